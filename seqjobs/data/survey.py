"""Survey: the files of a dataset and what their footers say, checked to fit together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from seqjobs.data.columns import ColumnType, column_type, length_of_first
from seqjobs.data.data_file import DataFile
from seqjobs.data.data_files import data_files
from seqjobs.data.dataset import DataSchema
from seqjobs.data.layout import Layout, make_layout
from seqjobs.errors import DataError
from seqjobs.planning.plan import DataSource
from seqjobs.spec.data_section import DataSpec
from seqjobs.spec.problems import did_you_mean, shown
from seqjobs.storage.files import printable

MAX_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Everything that is known before rows are read."""

    train: tuple[DataFile, ...]
    validation: tuple[DataFile, ...] | None
    layout: Layout
    schema: DataSchema


def survey_data(source: DataSource) -> Survey:
    """Opens the footers of all files, and the first row where a list column's length is asked for.

    Raises DataError for all that can be known so early: see `inspect_data`.
    """
    spec = source.spec
    train, validation = data_files(source)
    first = train[0]
    names = _feature_names(spec, first)
    types = _types(spec, names, first)
    for other in (*train[1:], *(validation or ())):
        _check_agreement(spec, first, other, types)
    _check_rows("train", train)
    _check_rows("validation", validation)
    layout = make_layout(spec, names, _with_lengths(types, train))
    return Survey(train=train, validation=validation, layout=layout, schema=_schema(layout, train, validation))


def _feature_names(spec: DataSpec, file: DataFile) -> tuple[str, ...]:
    known = file.schema.names
    named = tuple(spec.features or ())
    used = (spec.target,) if spec.sample_weight is None else (spec.target, spec.sample_weight)
    _check_columns((*named, *used), file)
    if spec.features is not None and spec.others is None:
        return named
    taken = {*named, *used}
    others = tuple(name for name in known if name not in taken)
    _check_columns(others, file)
    if not named + others:
        what = f"the file has no column but {' and '.join(map(shown, used))}, which are no features"
        raise DataError("E402", what, where=printable(file.name), fix="name files with feature columns.")
    return named + others


def _check_columns(names: Iterable[str], file: DataFile) -> None:
    known = file.schema.names
    for name in names:
        if name not in known:
            fix = did_you_mean(name, [printable(column) for column in known])
            fix = fix if fix.endswith(("?", ".")) else fix + "."
            raise DataError("E402", f"there is no column {shown(name)}", where=printable(file.name), fix=fix)
        if known.count(name) > 1:
            what = f"{known.count(name)} columns are named {shown(name)}"
            raise DataError("E402", what, where=printable(file.name), fix="write the file with each name once.")


def _types(spec: DataSpec, names: Sequence[str], file: DataFile) -> dict[str, ColumnType]:
    types: dict[str, ColumnType] = {}
    refused: dict[str, DataError] = {}
    for name in (*names, spec.target):
        try:
            types[name] = _feature_type(file, name) if name != spec.target else column_type(_field(file, name))
        except DataError as error:
            refused[name] = error
    if refused:
        raise _refusal(refused, [name for name in names if name in types], file)
    if spec.sample_weight is not None:
        types[spec.sample_weight] = _weight_type(file, spec.sample_weight)
    return types


def _feature_type(file: DataFile, name: str) -> ColumnType:
    found = column_type(_field(file, name))
    if found.kind == "string":
        what = f"column {shown(name)} holds strings, and one-hot or indexing of strings is not offered for features yet"
        raise DataError("E403", what, fix="leave it out of the features, or store it as numbers.")
    return found


def _weight_type(file: DataFile, name: str) -> ColumnType:
    field, fix = _field(file, name), "name a column of numbers in data.sample_weight."
    try:
        found = column_type(field)
    except DataError as error:
        raise DataError(error.code, error.what, where=printable(file.name), fix=fix) from None
    if found.kind == "string" or found.shape != ():
        what = f"column {shown(name)} is {found}, and a row's weight is one number"
        raise DataError("E403", what, where=printable(file.name), fix=fix)
    return found


def _refusal(refused: dict[str, DataError], usable: Sequence[str], file: DataFile) -> DataError:
    """One error for all columns of one kind of mistake, with the features that would do."""
    (first, error), *others = refused.items()
    also = [shown(name) for name in refused if name != first][:MAX_NAMED]
    more = f" (the same goes for {', '.join(also)}{', ...' if len(others) > MAX_NAMED else ''})" if also else ""
    example = [shown(name) for name in usable[:MAX_NAMED]] + (["..."] if len(usable) > MAX_NAMED else [])
    fix = f"{error.fix.rstrip('.')}; numeric are features: [{', '.join(example)}]." if usable else error.fix
    return DataError(error.code, error.what + more, where=printable(file.name), fix=fix)


def _field(file: DataFile, name: str) -> pa.Field:
    return file.schema.field(file.schema.get_field_index(name))


def _check_agreement(spec: DataSpec, first: DataFile, other: DataFile, types: dict[str, ColumnType]) -> None:
    if other.schema.equals(first.schema, check_metadata=True):
        return
    known = other.schema.names
    for name, expected in types.items():
        if name not in known:
            raise _disagreement(first, other, f"column {shown(name)} is only in the first")
        _check_columns([name], other)
        found = _described(_field(other, name))
        if found != str(expected):
            raise _disagreement(first, other, f"column {shown(name)} is {expected} in the first, {found} in the second")
    if spec.features is None or spec.others is not None:
        for name in known:
            if name not in types:
                raise _disagreement(first, other, f"column {shown(name)} is only in the second")


def _described(field: pa.Field) -> str:
    try:
        return str(column_type(field))
    except DataError:
        return shown(str(field.type))


def _disagreement(first: DataFile, other: DataFile, difference: str) -> DataError:
    what = f"{printable(first.name)} and {printable(other.name)} have different columns: {difference}"
    return DataError("E404", what, where=printable(other.name), fix="write all files with the same columns and types.")


def _check_rows(split: str, files: tuple[DataFile, ...] | None) -> None:
    if files is not None and not _num_rows(files):
        named = ", ".join(printable(file.name) for file in files[:MAX_NAMED])
        raise DataError(
            "E406", f"there are no rows in {named}", where=f"data.{split}", fix="name files that have rows."
        )


def _num_rows(files: Iterable[DataFile]) -> int:
    return sum(file.rows for file in files)


def _with_lengths(types: dict[str, ColumnType], files: Sequence[DataFile]) -> dict[str, ColumnType]:
    """The types, with the length of a list column as in the first row there is."""
    lists = [name for name, found in types.items() if found.shape is None]
    if not lists:
        return types
    file = next(file for file in files if file.rows)
    batch = next((batch for batch in file.batches(lists, 1) if batch.num_rows), None)
    if batch is None:
        raise file.wrong_row_count()
    lengths = {
        name: length_of_first(batch.column(batch.schema.get_field_index(name)), name, file.name) for name in lists
    }
    return {name: replace(found, shape=(lengths[name],)) if name in lengths else found for name, found in types.items()}


def _schema(layout: Layout, train: Sequence[DataFile], validation: Sequence[DataFile] | None) -> DataSchema:
    train_rows, validation_rows = _num_rows(train), None if validation is None else _num_rows(validation)
    return DataSchema(
        feature_shape=layout.feature_shape,
        feature_dtype=layout.feature_dtype,
        target_kind=layout.target_kind,
        target_width=layout.target_type.width,
        train_rows=train_rows,
        validation_rows=validation_rows,
        memory_bytes=(train_rows + (validation_rows or 0)) * layout.row_bytes,
    )
