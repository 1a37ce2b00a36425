"""read_sample: some rows of a dataset, spread over its files; how many does not grow with the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import described, is_list
from seqjobs.data.data_file import DataFile
from seqjobs.data.data_files import data_files
from seqjobs.data.data_source import DataSource
from seqjobs.data.inspection.leaks import encode_values, to_numbers
from seqjobs.data.survey import check_agreement, check_columns
from seqjobs.data.training_rows import LEARNED_AT_ONCE
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.jobspec.data_section import DataSpec

MAX_FILES = 8
MAX_ROWS = 20_000
MAX_BYTES = 256 << 20
# In each file, one of so many rows is kept: rows that lie far apart show more of what there is.
READ_FOR_ONE = 10
BATCH_ROWS = 1024
# The target is read from far more rows than the other columns, since all classes must be known.
MAX_TARGETS = 5_000_000
MAX_CLASSES = 1000
# Sorted rows. For classes: the share of rows whose class would have to change for both parts to have the same classes.
# For numbers: the distance of the parts' means in standard deviations. Random orders of 50 rows stay below both.
LEAST_ROWS = 50
MAX_CLASS_DISTANCE = 0.5
MAX_MEAN_DISTANCE = 1.0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows of the training data, in the order of the files."""

    rows: pa.Table
    total_rows: int
    """The rows of all training files."""
    incomplete: frozenset[str]
    """Columns that are null, or not a number, in some row that was read, of training or validation."""
    target: pa.ChunkedArray
    """The target of all training rows, or of the first MAX_TARGETS; for lists, that of `rows`."""
    validation_target: pa.ChunkedArray | None
    """The target of the validation rows, likewise."""

    def is_sorted(self, held_back: float, *, is_class: bool) -> bool:
        """Return whether the last fraction `held_back` of the rows has other targets; False for targets of lists."""
        target = self.target
        first = len(target) - int(len(target) * held_back)
        if len(target) < LEAST_ROWS or is_list(target.type) or isinstance(target.type, pa.BaseExtensionType):
            return False
        if is_class:
            codes = encode_values(target)
            size = int(codes.max()) + 1
            before, after = (np.bincount(part, minlength=size) / len(part) for part in (codes[:first], codes[first:]))
            has_new_class = bool((after[before == 0] > 0).any()) and size <= len(target) / 20
            return has_new_class or float(np.abs(before - after).sum() / 2) > MAX_CLASS_DISTANCE
        values = to_numbers(target)
        values = values[np.isfinite(values)]
        deviation = values.std() if len(values) else 0.0
        if not deviation:
            return False
        return bool(abs(values[:first].mean() - values[first:].mean()) > MAX_MEAN_DISTANCE * deviation)


def read_sample(spec: DataSpec, folder: Path) -> Sample:
    """Read at most MAX_ROWS rows of at most MAX_FILES files, and no more of these than needed.

    Args:
        spec: The data; its features are ignored.
        folder: Where relative paths start.

    Raises:
        DataError: E402 if there is no such target; otherwise as `inspect_data` for unreadable files.
    """
    target = spec.target
    files, others = data_files(DataSource(id="sample", spec=spec, folder=folder))
    first = files[0]
    check_columns([target, *first.schema.names], first)
    expected = {field.name: described(field) for field in first.schema}
    for other in files[1:]:
        check_agreement(first, other, expected, no_others=False)
    for other in others or ():
        check_columns([target], other)
    kept, incomplete = _read_rows(_choose_files(files))
    validation_rows, missing = _read_rows(_choose_files(others)) if others else ([], set())
    return Sample(
        rows=pa.concat_tables(kept),
        total_rows=sum(file.rows for file in files),
        incomplete=frozenset(incomplete | missing),
        target=_read_targets(files, target, kept),
        validation_target=_read_targets(others, target, validation_rows) if others else None,
    )


def _choose_files(files: Sequence[DataFile]) -> list[DataFile]:
    """Return at most MAX_FILES files that have rows, the first and the last included."""
    full = [file for file in files if file.rows]
    if not full:
        raise DataError("E406", "there are no rows", where=printable(files[0].name), fix="name files that have rows.")
    if len(full) <= MAX_FILES:
        return full
    return [full[index * (len(full) - 1) // (MAX_FILES - 1)] for index in range(MAX_FILES)]


def _read_rows(files: Sequence[DataFile]) -> tuple[list[pa.Table], set[str]]:
    kept: list[pa.Table] = []
    incomplete: set[str] = set()
    # Types are those of the first file: others may store the same values in another way, as strings in a dictionary.
    stored = files[0].schema.remove_metadata()
    schema = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in stored])
    names = schema.names
    for file in files:
        room, bytes_left = MAX_ROWS // len(files), MAX_BYTES // len(files)
        step = max(1, min(READ_FOR_ONE, -(-file.rows // room)))
        seen = 0
        for batch in file.batches(names, BATCH_ROWS, repair=True):
            incomplete.update(_find_incomplete(batch))
            chosen = pa.array(range(-seen % step, batch.num_rows, step), pa.int64())
            part = pa.Table.from_batches([batch.select(names).take(chosen)])
            kept.append(part.cast(schema) if part.schema != schema else part)
            seen, room, bytes_left = seen + batch.num_rows, room - part.num_rows, bytes_left - part.nbytes
            if room <= 0 or bytes_left <= 0:
                break
    return kept, incomplete


def _read_targets(files: Sequence[DataFile], target: str, sampled: Sequence[pa.Table]) -> pa.ChunkedArray:
    kind = _plain_type(sampled[0].schema.field(target).type)
    if pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType):
        return pa.concat_tables(sampled)[target]
    found: list[pa.Array] = []
    room = MAX_TARGETS
    for file in files:
        for batch in file.batches([target], LEARNED_AT_ONCE) if room > 0 else ():
            found.append(batch.column(batch.schema.get_field_index(target)).cast(kind))
            room -= batch.num_rows
            if room <= 0:
                break
    return pa.chunked_array(found)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return one type for all types of strings, which files store in several ways."""
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def _find_incomplete(batch: pa.RecordBatch) -> set[str]:
    return {name for name, column in zip(batch.schema.names, batch.columns, strict=True) if _lacks_values(column)}


def _lacks_values(column: pa.Array) -> bool:
    """Return whether a value is null or not a number, also within a list."""
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    if column.null_count:
        return True
    if is_list(column.type):
        return _lacks_values(column.flatten())
    return pa.types.is_floating(column.type) and bool(pc.any(pc.is_nan(column)).as_py())


def count_classes(sample: Sample) -> tuple[tuple[str, int], ...]:
    """Return the values of the target with the number of their rows, the most frequent first; at most MAX_CLASSES."""
    counts = pc.value_counts(sample.target)
    pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
    return tuple(sorted(((str(value), rows) for value, rows in pairs), key=lambda pair: -pair[1]))[:MAX_CLASSES]
