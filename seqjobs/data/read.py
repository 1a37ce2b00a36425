"""read_dataset: the rows of a dataset, decoded into arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from seqjobs.data.data_file import DataFile
from seqjobs.data.dataset import Dataset, Split
from seqjobs.data.features import FeatureArray
from seqjobs.data.fingerprint import fingerprint
from seqjobs.data.free_memory import free_bytes
from seqjobs.data.layout import Layout
from seqjobs.data.place import Place
from seqjobs.data.survey import Survey, survey_data
from seqjobs.data.tally import Tally
from seqjobs.data.target import Classes, TargetArray, target_array
from seqjobs.data.weight_array import WeightArray
from seqjobs.errors import DataError
from seqjobs.planning.plan import DataSource
from seqjobs.storage.files import printable

BATCH_BYTES = 2 << 20
MAX_BATCH_ROWS = 65_536
GIB = 1 << 30


def read_dataset(source: DataSource) -> Dataset:
    """Reads a dataset into memory: rows in the order of the files, and within a file in its own order.

    Beside the arrays themselves it needs the memory of about one row group. Raises DataError as `inspect_data` does,
    and for what only rows tell: E403 nulls, lists of different lengths and integers beyond 32 bits, E406 one class
    only, E407 targets that are null or of a class that training has not, E412 a changed file, E413 not enough
    memory, E431 values that are not finite and weights below 0.
    """
    survey = survey_data(source)
    layout = survey.layout
    available = free_bytes()
    if survey.schema.memory_bytes > available:
        raise _too_large(survey, available)
    try:
        train, classes = _read_split(survey.train, layout, None)
        validation = None if survey.validation is None else _read_split(survey.validation, layout, classes)[0]
    except MemoryError as error:  # a process may be given less than the machine has
        raise _too_large(survey, available) from error
    return Dataset(
        schema=survey.schema,
        train=train,
        validation=validation,
        scale=layout.scale,
        classes=classes,
        num_classes=len(classes) if classes else _num_classes(layout, train, validation),
        fingerprint=fingerprint(layout, classes, train, validation),
    )


def _too_large(survey: Survey, available: int) -> DataError:
    rows = survey.schema.train_rows + (survey.schema.validation_rows or 0)
    needed = survey.schema.memory_bytes / GIB
    what = f"{rows:,} rows need {needed:,.1f} GiB of memory, and {available / GIB:,.1f} GiB are free"
    fix = "name fewer files or columns, or use a machine with more memory."
    return DataError("E413", what, where=printable(survey.train[0].name), fix=fix)


def _read_split(files: Sequence[DataFile], layout: Layout, classes: Classes | None) -> tuple[Split, Classes | None]:
    rows = sum(file.rows for file in files)
    tally = Tally()
    features = FeatureArray(layout, rows, tally)
    target = target_array(layout, rows, tally, classes)
    weights = None if layout.weight is None else WeightArray(layout.weight, rows, tally)
    start = 0
    for file in files:
        _read_file(file, layout, _Arrays(features, target, weights), start)
        start += file.rows
    tally.check(rows)
    found, classes = target.finish()
    weight = None if weights is None else weights.finish()
    return Split(features=features.finish(), target=found, weight=weight), classes


class _Arrays(NamedTuple):
    """What the columns of a batch go into."""

    features: FeatureArray
    target: TargetArray
    weights: WeightArray | None


def _read_file(file: DataFile, layout: Layout, arrays: _Arrays, start: int) -> None:
    row = 0
    batch_rows = max(1, min(MAX_BATCH_ROWS, BATCH_BYTES // layout.row_bytes))
    for batch in file.batches(layout.names, batch_rows):
        if row + batch.num_rows > file.rows:
            raise file.wrong_row_count()
        place = Place(path=file.name, first_row=row)
        arrays.features.write(batch, start + row, place)
        arrays.target.write(_column(batch, layout.target), start + row, place)
        if arrays.weights is not None and layout.weight is not None:
            arrays.weights.write(_column(batch, layout.weight), start + row, place)
        row += batch.num_rows
    if row != file.rows:
        raise file.wrong_row_count()


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(name))


def _num_classes(layout: Layout, train: Split, validation: Split | None) -> int | None:
    if layout.target_kind != "integer":
        return None
    targets = [split.target for split in (train, validation) if split is not None]
    if min(int(target.min()) for target in targets) < 0:
        return None  # numbers below 0 are no classes, but may be predicted as numbers
    return max(int(target.max()) for target in targets) + 1
