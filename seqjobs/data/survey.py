"""Survey: the files of a dataset and their footers, checked to fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from seqjobs.data.chain import Chain
from seqjobs.data.column_mistakes import ColumnMistake, ColumnsError, Use
from seqjobs.data.columns import column_type, described, length_of_first, stored_type
from seqjobs.data.data_file import DataFile
from seqjobs.data.data_files import data_files
from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import DataSchema
from seqjobs.data.formats.csv import other_delimiter, write_delimiter
from seqjobs.data.layout import Layout, layout_mistakes
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import MOST_SUGGESTED, did_you_mean, shown
from seqjobs.jobspec.column_spec import ColumnSpec
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.operations import OPERATION_CLASSES
from seqjobs.operations.column_type import ColumnType

MAX_NAMED = 5
BATCH_BYTES = 2 << 20
MAX_BATCH_ROWS = 65_536
# Bytes of a value whose size only the rows tell, such as a text.
UNKNOWN_WIDTH = 16


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Everything that is known before rows are read."""

    train: tuple[DataFile, ...]
    validation: tuple[DataFile, ...] | None
    chains: tuple[Chain, ...]
    """The operations on each feature column, before anything is learned."""
    target_name: str
    target: ColumnType
    weight: str | None
    memory: int | None

    @property
    def learns(self) -> bool:
        return any(chain.learns for chain in self.chains)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns to read: features, target and the column of the weights, if there is one."""
        return (*(chain.name for chain in self.chains), self.target_name, *([self.weight] if self.weight else []))

    @property
    def batch_rows(self) -> int:
        """The number of rows that are decoded at a time."""
        wide = sum(max(_known_width(chain.given), _known_width(chain.output)) for chain in self.chains)
        return max(1, min(MAX_BATCH_ROWS, BATCH_BYTES // (4 * (wide + 1))))

    @property
    def least_row_bytes(self) -> int:
        """Bytes of a row as it is read or as features, as far as they are known before rows are read."""
        return sum(max(_known_width(chain.given), _known_width(chain.output)) for chain in self.chains) + 4

    @property
    def train_rows(self) -> int:
        return num_rows(self.train)

    @property
    def validation_rows(self) -> int | None:
        return None if self.validation is None else num_rows(self.validation)

    @property
    def inexact(self) -> tuple[str, ...]:
        """The columns of text files with whole numbers that lost digits when they became floats."""
        found = {name for file in (*self.train, *(self.validation or ())) for name in file.inexact}
        return tuple(name for name in self.names if name in found)

    def schema(self, layout: Layout) -> DataSchema:
        rows = self.train_rows + (self.validation_rows or 0)
        return DataSchema(
            feature_shape=layout.feature_shape,
            feature_dtype=layout.feature_dtype,
            target_kind=layout.target_kind,
            target_width=layout.target_type.width,
            train_rows=self.train_rows,
            validation_rows=self.validation_rows,
            memory_bytes=rows * layout.row_bytes,
        )


def survey_data(source: DataSource) -> Survey:
    """Read the footers of all files, and the first row if the length of a list column is needed.

    Raises DataError for all mistakes that footers show: see `inspect_data`.
    """
    spec = source.spec
    train, validation = data_files(source)
    first = train[0]
    names = _feature_names(spec, first)
    types, mistakes = _types(spec, names, first)
    expected = {name: str(found) for name, found in types.items()}
    for other in (*train[1:], *(validation or ())):
        no_others = (spec.features is None or spec.others is not None) and not mistakes
        check_agreement(first, other, expected, no_others=no_others)
    _check_rows("train", train)
    _check_rows("validation", validation)
    if not mistakes:
        types = _with_lengths(spec, types, train)
    chains = _chains(spec, types, names, mistakes)
    mistakes.extend(layout_mistakes(spec, chains, types.get(spec.target)))
    if mistakes:
        raise ColumnsError(mistakes)
    check_exact(chains, (*train, *(validation or ())), fix="write data.types: {{{}: string}}.")
    return Survey(
        train=train,
        validation=validation,
        chains=chains,
        target_name=spec.target,
        target=types[spec.target],
        weight=spec.sample_weight,
        memory=spec.memory,
    )


def _chains(
    spec: DataSpec, types: Mapping[str, ColumnType], names: Sequence[str], mistakes: list[ColumnMistake]
) -> tuple[Chain, ...]:
    """Return the operations on the columns, and add what is wrong with them.

    Of lists whose length is not known, because it was not worth reading a row, nothing is said.
    """
    chains: list[Chain] = []
    for name in names:
        column = _column_spec(spec, name)
        if name not in types or (types[name].shape is None and not _takes_any_length(column)):
            continue
        try:
            chains.append(Chain.of(name, types[name], column))
        except ColumnsError as error:
            mistakes.extend(error.mistakes)
    return tuple(chains)


def _feature_names(spec: DataSpec, file: DataFile) -> tuple[str, ...]:
    known = file.schema.names
    named = tuple(spec.features or ())
    used = (spec.target,) if spec.sample_weight is None else (spec.target, spec.sample_weight)
    check_columns((*named, *used), file)
    if spec.features is not None and spec.others is None:
        return named
    taken = {*named, *used}
    others = tuple(name for name in known if name not in taken)
    check_columns(others, file)
    if not named + others:
        what = f"the file has no column except {' and '.join(map(shown, used))}, so there are no features"
        raise DataError("E402", what, where=printable(file.name), fix="name files with feature columns.")
    return named + others


def check_columns(names: Iterable[str], file: DataFile, *, needed_by: str = "") -> None:
    """Raise DataError (E402) for a column that a file lacks, or has twice.

    `needed_by` is what needs the columns, if it is not the spec that names them.
    """
    known = file.schema.names
    for name in names:
        if name not in known:
            raise missing_column(name, file, needed_by=needed_by)
        if known.count(name) > 1:
            what = f"{known.count(name)} columns are named {shown(name)}"
            raise DataError("E402", what, where=printable(file.name), fix="write the file with each name once.")


def missing_column(name: str, file: DataFile, *, needed_by: str = "") -> DataError:
    """Return the error E402 for a column that a file does not have."""
    known = file.schema.names
    what = f"there is no column {shown(name)}{f', which {needed_by} needs' if needed_by else ''}"
    fix = did_you_mean(name, [printable(column) for column in known], MOST_SUGGESTED)
    delimiter = other_delimiter(known[0]) if len(known) == 1 and file.is_text else None
    if delimiter is not None:
        what += f"; the file has one column, {shown(known[0])}"
        fix = write_delimiter(delimiter)
    return DataError("E402", what, where=printable(file.name), fix=fix if fix.endswith(("?", ".")) else fix + ".")


def _types(spec: DataSpec, names: Sequence[str], file: DataFile) -> tuple[dict[str, ColumnType], list[ColumnMistake]]:
    """Return the types of the columns that can be used, and what is wrong with the others."""
    types: dict[str, ColumnType] = {}
    refused: dict[str, DataError] = {}
    mistakes: list[ColumnMistake] = []
    for name in names:
        try:
            types[name] = _feature_type(spec, file, name)
        except DataError as error:
            refused[name] = error
    usable = [name for name in names if name in types]
    for alike in _alike(refused):
        mistakes.append(ColumnMistake(error=_refusal(alike, usable, file), use="feature", column=next(iter(alike))))
    others: list[tuple[str, Use, Callable[[], ColumnType]]] = [
        (spec.target, "target", lambda: column_type(_field(file, spec.target)))
    ]
    if spec.sample_weight is not None:
        weight = spec.sample_weight
        others.append((weight, "weight", lambda: _weight_type(file, weight)))
    for name, use, find in others:
        try:
            types[name] = find()
        except DataError as error:
            placed = DataError(error.code, error.what, where=printable(file.name), fix=error.fix)
            mistakes.append(ColumnMistake(error=placed, use=use, column=name))
    return types, mistakes


def _alike(refused: Mapping[str, DataError]) -> list[dict[str, DataError]]:
    """Return the columns with the same kind of mistake together."""
    found: dict[tuple[str, str], dict[str, DataError]] = {}
    for name, error in refused.items():
        found.setdefault((error.code, error.what.replace(shown(name), "").partition(":")[0]), {})[name] = error
    return list(found.values())


def _known_width(found: ColumnType) -> int:
    return found.width if found.is_number and found.shape is not None else UNKNOWN_WIDTH


def _column_spec(spec: DataSpec, name: str) -> ColumnSpec:
    return (spec.features or {}).get(name, ColumnSpec())


def _feature_type(spec: DataSpec, file: DataFile, name: str) -> ColumnType:
    if _column_spec(spec, name).operations:
        return stored_type(_field(file, name))
    found = column_type(_field(file, name))
    if found.kind == "string":
        what = f"column {shown(name)} holds strings"
        fix = f"convert it to numbers, for example with features: {{{shown(name)}: one_hot}}, or leave it out."
        raise DataError("E403", what, fix=fix)
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


def _refusal(refused: Mapping[str, DataError], usable: Sequence[str], file: DataFile) -> DataError:
    """Return one error for all columns with the same kind of mistake, and the features that can be used."""
    (_, error), *others = refused.items()
    alike = [shown(name) for name, _ in others]
    named = ", ".join(alike[:MAX_NAMED]) + (", ..." if len(alike) > MAX_NAMED else "")
    more = f" (the same is true of {named})" if alike else ""
    example = [shown(name) for name in usable[:MAX_NAMED]] + (["..."] if len(usable) > MAX_NAMED else [])
    fix = f"{error.fix.rstrip('.')}; the numeric columns are features: [{', '.join(example)}]." if usable else error.fix
    return DataError(error.code, error.what + more, where=printable(file.name), fix=fix)


def _field(file: DataFile, name: str) -> pa.Field:
    return file.schema.field(file.schema.get_field_index(name))


def check_agreement(first: DataFile, other: DataFile, expected: Mapping[str, str], *, no_others: bool) -> None:
    """Check that a file has columns of the same types as the first one.

    Args:
        first: The file that others are compared with.
        other: Any other file.
        expected: The type of each column to check, by its name.
        no_others: Whether the file may have no further columns.

    Raises:
        DataError: E404 if the files differ, E402 if a column is there twice.
    """
    if other.schema.equals(first.schema, check_metadata=True):
        return
    known = other.schema.names
    for name, kind in expected.items():
        if name not in known:
            raise _disagreement(first, other, f"column {shown(name)} is only in the first")
        check_columns([name], other)
        found = described(_field(other, name))
        if found != kind:
            raise _disagreement(first, other, f"column {shown(name)} is {kind} in the first, {found} in the second")
    if no_others:
        for name in known:
            if name not in expected:
                raise _disagreement(first, other, f"column {shown(name)} is only in the second")


def _disagreement(first: DataFile, other: DataFile, difference: str) -> DataError:
    what = f"{printable(first.name)} and {printable(other.name)} have different columns: {difference}"
    return DataError("E404", what, where=printable(other.name), fix="write all files with the same columns and types.")


def _check_rows(split: str, files: tuple[DataFile, ...] | None) -> None:
    if files is not None and not num_rows(files):
        named = ", ".join(printable(file.name) for file in files[:MAX_NAMED])
        raise DataError(
            "E406", f"there are no rows in {named}", where=f"data.{split}", fix="name files that have rows."
        )


def check_exact(chains: Iterable[Chain], files: Iterable[DataFile], *, fix: str) -> None:
    """Raise DataError (E424) if values are looked up that lost digits when they were read; `{}` in `fix` is a column.

    Two such values would be one category.
    """
    looked_up = {chain.name for chain in chains if chain.looks_up_values}
    for file in files:
        for name, text in file.inexact.items():
            if name in looked_up:
                what = f"column {shown(name)} has {shown(text)}, and numbers of its type do not hold all of its digits"
                raise DataError("E424", what, where=printable(file.name), fix=fix.format(shown(name)))


def num_rows(files: Iterable[DataFile]) -> int:
    return sum(file.rows for file in files)


def _takes_any_length(spec: ColumnSpec) -> bool:
    return any(OPERATION_CLASSES[first.name].takes_any_length for first in spec.operations[:1])


def _with_lengths(spec: DataSpec, types: dict[str, ColumnType], files: Sequence[DataFile]) -> dict[str, ColumnType]:
    """Return the types, with the length of each list column in the first row, except for columns that are padded."""
    padded = {name for name in types if _takes_any_length(_column_spec(spec, name))}
    lists = [name for name, found in types.items() if found.shape is None and name not in padded]
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
