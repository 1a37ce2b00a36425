"""read_sample: some rows of a dataset, spread over its files, of a size that does not grow with the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import described, is_list
from seqjobs.data.data_file import DataFile
from seqjobs.data.data_files import data_files
from seqjobs.data.training_rows import LEARNED_AT_ONCE
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import MOST_SUGGESTED, did_you_mean, shown
from seqjobs.planning.plan import DataSource
from seqjobs.spec.data_section import DataSpec

MAX_FILES = 8
MAX_ROWS = 20_000
MAX_BYTES = 256 << 20
# Of each file some rows are looked at for one that is kept: rows that lie far apart tell whether they are sorted.
LOOKED_AT_FOR_ONE = 10
BATCH_ROWS = 1024
# One column is read of far more rows than all are: which classes there are must be known of all.
MAX_TARGETS = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows of the training data in their order, and what the footers of all files say."""

    rows: pa.Table
    total_rows: int
    """Of all training files."""
    validation_rows: int | None
    incomplete: frozenset[str]
    """Columns that are null, or not a number, in some row that was looked at, those of validation included."""
    target: pa.ChunkedArray
    """The target of all training rows, or of the first MAX_TARGETS; of lists, that of `rows`."""
    validation_target: pa.ChunkedArray | None
    """Likewise."""


def read_sample(spec: DataSpec, folder: Path) -> Sample:
    """Reads at most MAX_ROWS rows of at most MAX_FILES files, and those as far as they are needed for it.

    Paths are relative to `folder`. Raises DataError as `inspect_data` does for files, and E402 where
    there is no such target.
    """
    target = spec.target
    files, others = data_files(DataSource(id="sample", spec=spec, folder=folder))
    _check_columns(files, target)
    kept, incomplete = _sampled(_spread(files))
    validation_rows, missing = _sampled(_spread(others)) if others else ([], set())
    return Sample(
        rows=pa.concat_tables(kept),
        total_rows=sum(file.rows for file in files),
        validation_rows=None if others is None else sum(file.rows for file in others),
        incomplete=frozenset(incomplete | missing),
        target=_targets(files, target, kept),
        validation_target=_targets(others, target, validation_rows) if others else None,
    )


def _spread(files: Sequence[DataFile]) -> list[DataFile]:
    """At most MAX_FILES files that have rows, the first and the last among them."""
    full = [file for file in files if file.rows]
    if not full:
        raise DataError("E406", "there are no rows", where=printable(files[0].name), fix="name files that have rows.")
    if len(full) <= MAX_FILES:
        return full
    return [full[index * (len(full) - 1) // (MAX_FILES - 1)] for index in range(MAX_FILES)]


def _sampled(files: Sequence[DataFile]) -> tuple[list[pa.Table], set[str]]:
    kept: list[pa.Table] = []
    incomplete: set[str] = set()
    # As the first file has them: others may store the same values in another way, as strings in a dictionary.
    stored = files[0].schema.remove_metadata()
    schema = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in stored])
    names = schema.names
    for file in files:
        room, bytes_left = MAX_ROWS // len(files), MAX_BYTES // len(files)
        step = max(1, min(LOOKED_AT_FOR_ONE, -(-file.rows // room)))
        seen = 0
        for batch in file.batches(names, BATCH_ROWS):
            incomplete.update(_incomplete(batch))
            chosen = pa.array(range(-seen % step, batch.num_rows, step), pa.int64())
            part = pa.Table.from_batches([batch.select(names).take(chosen)])
            kept.append(part.cast(schema) if part.schema != schema else part)
            seen, room, bytes_left = seen + batch.num_rows, room - part.num_rows, bytes_left - part.nbytes
            if room <= 0 or bytes_left <= 0:
                break
    return kept, incomplete


def _targets(files: Sequence[DataFile], target: str, sampled: Sequence[pa.Table]) -> pa.ChunkedArray:
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
    """One type for all that hold strings, which files store in several ways."""
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def _incomplete(batch: pa.RecordBatch) -> set[str]:
    return {name for name, column in zip(batch.schema.names, batch.columns, strict=True) if _lacks_values(column)}


def _lacks_values(column: pa.Array) -> bool:
    """Whether a value is null or not a number, in a list too."""
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    if column.null_count:
        return True
    if is_list(column.type):
        return _lacks_values(column.flatten())
    return pa.types.is_floating(column.type) and bool(pc.any(pc.is_nan(column)).as_py())


def _check_columns(files: Sequence[DataFile], target: str) -> None:
    known = files[0].schema.names
    if target not in known:
        fix = did_you_mean(target, [printable(column) for column in known], MOST_SUGGESTED)
        fix = fix if fix.endswith(("?", ".")) else fix + "."
        raise DataError("E402", f"there is no column {shown(target)}", where=printable(files[0].name), fix=fix)
    for name in known:
        if known.count(name) > 1:
            what = f"{known.count(name)} columns are named {shown(name)}"
            raise DataError("E402", what, where=printable(files[0].name), fix="write the file with each name once.")
    for other in files[1:]:
        for field in files[0].schema:
            _check_alike(field, files[0], other)


def _check_alike(field: pa.Field, first: DataFile, other: DataFile) -> None:
    index = other.schema.get_field_index(field.name)
    found = other.schema.field(index).type if index >= 0 else None
    if found is None or (found != field.type and described(field) != described(other.schema.field(index))):
        told = "is not here" if found is None else f"is {shown(str(found))} here"
        what = f"column {shown(field.name)} is {shown(str(field.type))} in {printable(first.name)} and {told}"
        raise DataError("E404", what, where=printable(other.name), fix="write all files with the same columns.")
