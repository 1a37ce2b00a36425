"""Chain: all operations on one column, in their order."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, Self, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.column_mistakes import ColumnMistake, ColumnsError
from seqjobs.data.columns import LARGEST_EXACT, NO_ROWS, is_list, numbers_with_gaps, single_values, stored_bytes
from seqjobs.data.place import Place
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.errors.unforeseen import unforeseen
from seqjobs.jobspec.column_spec import ColumnSpec
from seqjobs.operations import OPERATION_CLASSES, Operation, operation_of
from seqjobs.operations._base import NOT_FINITE, TOO_LARGE, Learner, Note
from seqjobs.operations.arrays import Array, Values, rows_with
from seqjobs.operations.column_type import ColumnType
from seqjobs.operations.few_values import FewValues

BLOCK_BYTES = 16 << 20
"""The operations are applied to so many rows at a time that what they make of them takes about this much memory."""
# Operations compute in float64, and hold what they are given and what they make of it.
_BYTES_OF_A_NUMBER = 16


@final
@dataclass(frozen=True, kw_only=True)
class Chain:
    """The operations on the column `name`, which holds `given` as it is read. Without any it is the column itself."""

    name: str
    given: ColumnType
    operations: tuple[Operation, ...] = ()

    @classmethod
    def of(cls, name: str, given: ColumnType, spec: ColumnSpec) -> Self:
        """Return what a spec asks for. Raises ColumnsError as `checked` does."""
        return cls(name=name, given=given, operations=tuple(map(operation_of, spec.operations))).checked()

    def checked(self) -> Self:
        """Return the chain itself.

        Raises:
            ColumnsError: E403 if an operation cannot take what it is given, or if what the last one makes is not
                numbers.
        """
        current = self.given
        for index, operation in enumerate(self.operations):
            try:
                current = operation.output(current)
            except DataError as error:
                raise self._mistake(self.placed(operation, error), index) from None
        if self.operations and not current.is_number:
            what = f"after {self.operations[-1].entry.name} the column is {current}, and features are numbers"
            fix = "add an operation that makes numbers, for example index or one_hot."
            refusal = DataError("E403", what, where=f"data.features.{self.name}", fix=fix)
            raise self._mistake(refusal, len(self.operations) - 1)
        return self

    def _mistake(self, error: DataError, index: int) -> ColumnsError:
        return ColumnsError([ColumnMistake(error=error, use="feature", column=self.name, step=index)])

    @property
    def output(self) -> ColumnType:
        """What the column has become; `shape` is None if only the training rows tell it."""
        return self._types[-1]

    def row_bytes(self, column: pa.Array) -> int:
        """Return about how many bytes a row of a column takes while the operations are applied to it."""
        widths = [found.width for found in self._types if found.shape is not None]
        bytes_of_a_row = _BYTES_OF_A_NUMBER * max(widths, default=1)
        if self.given.is_number and self.given.shape is not None:
            return bytes_of_a_row
        return max(bytes_of_a_row, _BYTES_OF_A_NUMBER * stored_bytes(column) // max(1, len(column)))

    @property
    def learns(self) -> bool:
        """Whether anything is still to be learned from the training rows."""
        return self.lesson() is not None

    def lesson(self) -> Lesson | None:
        """Return what is to be learned next; None if all is known."""
        for index, operation in enumerate(self.operations):
            learner = operation.learner()
            if learner is not None:
                return Lesson(chain=self, index=index, learner=learner)
        return None

    def steps(self) -> Iterator[tuple[Operation, ColumnType]]:
        """Yield each operation with the type that it is given."""
        return zip(self.operations, self._types, strict=False)

    def apply(self, column: pa.Array, note: Note, place: Place) -> Array:
        """Return the features (rows, width) of some rows; `note` is called for those that have none."""
        found = self.values(column, note, place, as_numbers=True)
        assert isinstance(found, np.ndarray)
        if found.dtype == np.float64:
            missing = np.isnan(found)
            if missing.any():
                null = np.asarray(column.is_null()) | _holds_null(column)
                note("null", missing.any(axis=1) & null)
                found = np.where(missing & null[:, None], 0.0, found)
        return found

    def values(self, column: pa.Array, note: Note, place: Place, *, as_numbers: bool, instead: float = 0.0) -> Values:
        """Return the column after all operations; as numbers, if it is still Arrow's and `as_numbers` asks for them.

        `instead` replaces an infinity that is reported.
        """
        current: Values = self.as_taken(column, place)
        for index, (operation, given) in enumerate(self.steps()):
            if isinstance(current, pa.Array) and _as_numbers(operation, given):
                current = numbers_with_gaps(current, self.name, given.width, place)
                if given.kind == "integer" and operation.keeps_values and self._looks_up_after(index):
                    note(TOO_LARGE, rows_with(np.abs(current) >= LARGEST_EXACT))
            if operation.refuses_infinite:
                current = _without_infinite(current, note, instead)
            with np.errstate(all="ignore"):  # what is not finite is reported, in the features that come of it
                current = operation.apply(current, note)
        if as_numbers and isinstance(current, pa.Array):
            current = numbers_with_gaps(current, self.name, self.output.width, place)
        return current

    def as_taken(self, column: pa.Array, place: Place) -> pa.Array:
        """Return the column as the first operation takes it: values that are looked up do not stand in lists of one.

        Raises DataError (E409) for a list of another length.
        """
        storage = column.storage if isinstance(column, pa.ExtensionArray) else column
        if self.operations and self.operations[0].looks_up and is_list(storage.type):
            return single_values(storage, self.name, place)
        return column

    def _looks_up_after(self, index: int) -> bool:
        return any(operation.looks_up for operation in self.operations[index + 1 : index + 2])

    @property
    def looks_up_values(self) -> bool:
        """Whether the values of the column itself are looked up, and nothing that was computed from them."""
        first = next((operation for operation in self.operations if not operation.keeps_values), None)
        return first is not None and first.looks_up

    def to_json(self) -> dict[str, Any]:
        steps = [{"name": operation.entry.name, **asdict(operation)} for operation in self.operations]
        return {"name": self.name, "given": asdict(self.given), "operations": steps}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Self:
        """Raises KeyError or TypeError for what `to_json` has not made."""
        given = tree["given"]
        shape = None if given["shape"] is None else tuple(given["shape"])
        steps = [dict(step) for step in tree["operations"]]
        return cls(
            name=tree["name"],
            given=ColumnType(kind=given["kind"], dtype=given["dtype"], shape=shape),
            operations=tuple(OPERATION_CLASSES[step.pop("name")].of(**step) for step in steps),
        )

    @cached_property
    def _types(self) -> tuple[ColumnType, ...]:
        """What each operation is given, and what the last one makes."""
        return tuple(accumulate(self.operations, lambda given, operation: operation.output(given), initial=self.given))

    def placed(self, operation: Operation, error: DataError) -> DataError:
        """Return the error of an operation with its place in the spec."""
        what = f"{operation.entry.name}: {error.what}"
        return DataError(error.code, what, where=f"data.features.{self.name}", fix=error.fix)


@final
@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One operation of a chain that looks at the training rows; it sees what those before it make of them."""

    chain: Chain
    index: int
    learner: Learner

    def add(self, column: pa.Array, place: Place) -> None:
        """Take some rows of the column. Raises DataError."""
        rows = max(1, BLOCK_BYTES // self._before.row_bytes(column))
        with self._placed():
            for start in range(0, len(column), rows):
                self._add_block(column.slice(start, rows), place.after(start))

    def end_part(self) -> None:
        """Take note that the rows so far complete a part of a fixed number of rows."""
        with np.errstate(all="ignore"):
            self.learner.end_part()

    def finish(self) -> Chain | None:
        """Return the chain with what the operation has learned; None if it must see all rows once more.

        Raises DataError (E417).
        """
        with self._placed(), np.errstate(all="ignore"):
            learned = self.learner.finish()
            if learned is None:
                return None
            _check_finite(learned)
        operations = self.chain.operations
        return replace(self.chain, operations=(*operations[: self.index], learned, *operations[self.index + 1 :]))

    def too_large(self, limit: int) -> DataError:
        """Return the error for an operation that keeps more of the training rows than there is memory for."""
        operation = self.chain.operations[self.index]
        what = f"what it must keep of the training rows takes more than the {limit / 2**20:,.0f} MiB of data.memory"
        fix = f"{self.learner.smaller}, or set data.memory to a larger size."
        return self.chain.placed(operation, DataError("E413", what, fix=fix))

    def _add_block(self, column: pa.Array, place: Place) -> None:
        as_numbers = _as_numbers(self.chain.operations[self.index], self._before.output)
        column = self.chain.as_taken(column, place)
        few = FewValues.of(column) if as_numbers or self.index else None
        looked_at = column if few is None else few.column
        found = self._before.values(looked_at, _ignore, place, as_numbers=as_numbers, instead=np.nan)
        found = _without_infinite(found, _ignore, np.nan)  # left out, as missing values are
        with np.errstate(all="ignore"):  # what is learned is checked in the end
            self.learner.add(found if few is None or isinstance(found, pa.Array) else found[few.codes])

    @cached_property
    def _before(self) -> Chain:
        return replace(self.chain, operations=self.chain.operations[: self.index])

    @contextlib.contextmanager
    def _placed(self) -> Iterator[None]:
        operation = self.chain.operations[self.index]
        try:
            with unforeseen(f"{operation.entry.name} learned from column {shown(self.chain.name)}"):
                yield
        except DataError as error:
            raise error if error.where else self.chain.placed(operation, error) from None


def _check_finite(learned: Operation) -> None:
    """Raises DataError (E417) if numbers are too large to learn from: all rows would become equal."""
    for value in asdict(learned).values():
        if isinstance(value, tuple) and any(
            isinstance(number, float) and not math.isfinite(number) for number in value
        ):
            what = "the numbers of the training rows are so large that what is learned from them is beyond float64"
            raise DataError("E417", what, fix="put a `rescale` or a `clip` before it.")


def _as_numbers(operation: Operation, given: ColumnType) -> bool:
    return given.is_number and given.shape is not None and not (operation.looks_up or operation.takes_any_length)


def _without_infinite(values: Values, note: Note, instead: float) -> Values:
    """Return the values with `instead` for each infinity; whole numbers, texts and all others as they are."""
    if isinstance(values, np.ndarray):
        infinite = np.isinf(values) if values.dtype.kind == "f" else NO_ROWS
        if not infinite.any():
            return values
        note(NOT_FINITE, rows_with(infinite))
        return np.where(infinite, instead, values)
    if not pa.types.is_floating(values.type):
        return values
    infinite = np.isinf(values.to_numpy(zero_copy_only=False))
    if not infinite.any():
        return values
    note(NOT_FINITE, infinite)
    return pc.if_else(pa.array(infinite), pa.scalar(instead, pa.float64()).cast(values.type), values)


def _holds_null(column: pa.Array) -> Array:
    """Return which rows have a list with a null in it."""
    storage = column.storage if isinstance(column, pa.ExtensionArray) else column
    if not pa.types.is_nested(storage.type):
        return np.zeros(len(column), bool)
    flat = storage.flatten()
    if not flat.null_count:
        return np.zeros(len(column), bool)
    return np.array([value is not None and None in value for value in storage.to_pylist()], bool)


def _ignore(_wrong: str, _rows: Array) -> None:
    """Rows without a feature are reported when they are written, all of them at once."""
