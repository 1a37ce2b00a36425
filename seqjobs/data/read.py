"""read_dataset: the rows of a dataset, decoded into arrays."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import DataSchema, Dataset, Split
from seqjobs.data.features import FeatureArray
from seqjobs.data.fingerprint import fingerprint
from seqjobs.data.free_memory import free_bytes
from seqjobs.data.inspection.row_blocks import find_feature_range
from seqjobs.data.inspection.row_warnings import find_empty_classes, warn_of_lost_digits, warn_of_rows
from seqjobs.data.layout import Layout
from seqjobs.data.learning import learned_layout, training_rows
from seqjobs.data.preparation import Preparation
from seqjobs.data.streamed.scratch import RowWriter, SplitFiles, free_room, scratch_folder
from seqjobs.data.streamed.window import DEFAULT_MEMORY, Window
from seqjobs.data.survey import Survey, num_rows, survey_data
from seqjobs.data.tally import Tally
from seqjobs.data.target import Classes, target_array
from seqjobs.data.training_rows import Located, located
from seqjobs.data.weights import WeightArray
from seqjobs.errors import DataError
from seqjobs.errors.out_of_memory import describe_address_limit
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import shown
from seqjobs.errors.sizes import shown_bytes
from seqjobs.errors.unforeseen import unforeseen


def read_dataset(source: DataSource) -> Dataset:
    """Read a dataset into memory: rows in the order of the files, and within a file in its own order.

    Data larger than `data.memory` is written to a file, from which its splits are read. In addition to the arrays,
    reading needs the memory of about one row group. Raises DataError as `inspect_data` does,
    and for what only rows tell: E406 one class only, E407 values that no training row has, E408 nulls, E409 lists of
    different lengths, E410 values that cannot be read, E412 a changed file, E413 not enough memory, E417 what cannot
    be learned, E424 integers beyond 32 bits, E431 values that are not finite and weights below 0.
    """
    with unforeseen("data was read", source.spec.train[0]):
        return _read(source)


def _read(source: DataSource) -> Dataset:
    survey = survey_data(source)
    rows = training_rows(survey)
    layout = learned_layout(source, survey, rows)
    schema = survey.schema(layout)
    memory = source.spec.memory or DEFAULT_MEMORY
    window = Window.of(memory, layout.feature_bytes) if schema.memory_bytes > memory else None
    if window is not None and schema.memory_bytes > (free := free_room()):
        raise _no_room(schema, survey, free)
    rows.give_room(0 if window else schema.memory_bytes)
    available = free_bytes()
    if window is None and schema.memory_bytes > available:
        raise _too_large(schema, survey, available)
    try:
        with SplitFiles(window) as files:
            rounded = set(survey.inexact)
            train, classes = _read_split(rows.batches(), survey.train_rows, layout, None, files.of("train"), rounded)
            validation = None
            if survey.validation is not None:
                others = located(survey.validation, survey.names, survey.batch_rows)
                writer = files.of("validation")
                validation, _ = _read_split(others, num_rows(survey.validation), layout, classes, writer, rounded)
            num_classes = len(classes) if classes else _num_classes(layout, train, validation)
            # Hashing needs no lock of the interpreter, so it costs no time next to the search for warnings.
            with ThreadPoolExecutor(max_workers=1) as beside:
                hashed = beside.submit(fingerprint, layout, classes, train, validation)
                warnings = warn_of_rows(
                    layout, train, validation, classes=classes, num_classes=num_classes, held_back=source.held_back
                )
                digest = hashed.result()
            splits = [train] if validation is None else [train, validation]
            found_range = find_feature_range(splits, layout.scale) if source.is_indexed else None
            train = files.named("train", train, digest)
            validation = None if validation is None else files.named("validation", validation, digest)
    except MemoryError as error:  # a process may have less than the machine
        raise _out_of_memory(schema, survey) from error
    # Arrow keeps memory for the next batch, but this process may train from here on.
    pa.default_memory_pool().release_unused()
    return Dataset(
        schema=schema,
        source=source,
        train=train,
        validation=validation,
        scale=layout.scale,
        classes=classes,
        num_classes=num_classes,
        fingerprint=digest,
        preparation=Preparation.of(layout),
        warnings=(*warn_of_lost_digits([name for name in survey.names if name in rounded]), *warnings),
        empty_classes=find_empty_classes(train.target, num_classes),
        feature_range=found_range,
    )


def _no_room(schema: DataSchema, survey: Survey, free: int) -> DataError:
    rows = schema.train_rows + (schema.validation_rows or 0)
    needed = f"{rows:,} rows need {shown_bytes(schema.memory_bytes)}, more than data.memory, so they need a file"
    what = f"{needed}; only {shown_bytes(free)} are free in {printable(str(scratch_folder()))}"
    fix = "make room there, set TMPDIR to a folder on a larger disk, or name fewer files or columns."
    return DataError("E413", what, where=printable(survey.train[0].name), fix=fix)


def _too_large(schema: DataSchema, survey: Survey, available: int) -> DataError:
    rows = schema.train_rows + (schema.validation_rows or 0)
    needed = shown_bytes(schema.memory_bytes)
    what = (
        f"{rows:,} rows need {needed} of memory, but only {shown_bytes(available)} are free{describe_address_limit()}"
    )
    fix = "set data.memory to a smaller size, so that rows are read from a file, or name fewer files or columns."
    return DataError("E413", what, where=printable(survey.train[0].name), fix=fix)


def _out_of_memory(schema: DataSchema, survey: Survey) -> DataError:
    rows = schema.train_rows + (schema.validation_rows or 0)
    needed = shown_bytes(schema.memory_bytes)
    what = f"decoding {rows:,} rows, which need {needed} of memory, takes more than is free{describe_address_limit()}"
    fix = "free memory or raise the limit, set data.memory to a smaller size, or name fewer files or columns."
    return DataError("E413", what, where=printable(survey.train[0].name), fix=fix)


def _read_split(
    batches: Iterable[Located],
    rows: int,
    layout: Layout,
    classes: Classes | None,
    writer: RowWriter | None,
    rounded: set[str],
) -> tuple[Split, Classes | None]:
    """Read the rows of a split, and add the columns with numbers that lost digits to `rounded`."""
    tally = Tally()
    features = FeatureArray(layout, rows, tally, writer)
    target = target_array(layout, rows, tally, classes)
    weights = None if layout.weight is None else WeightArray(layout.weight, rows, tally)
    start = 0
    for batch, place in batches:
        features.write(batch, start, place)
        with unforeseen(f"target {shown(layout.target)} was read", place.where):
            target.write(_column(batch, layout.target), start, place)
        if weights is not None and layout.weight is not None:
            with unforeseen(f"weights {shown(layout.weight)} were read", place.where):
                weights.write(_column(batch, layout.weight), start, place)
        start += batch.num_rows
    tally.check(rows)
    rounded |= features.rounded
    found, classes = target.finish()
    weight = None if weights is None else weights.finish()
    return Split(features=features.finish(), target=found, weight=weight), classes


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(name))


def _num_classes(layout: Layout, train: Split, validation: Split | None) -> int | None:
    if layout.target_kind != "integer":
        return None
    targets = [split.target for split in (train, validation) if split is not None]
    if min(int(target.min()) for target in targets) < 0:
        return None  # numbers below 0 are not classes, but may be predicted as numbers
    return max(int(target.max()) for target in targets) + 1
