"""Operation: one thing that is done to a column before it becomes features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias, final

from seqjobs.operations.arrays import Array, Values, np
from seqjobs.operations.column_type import ColumnType
from seqjobs.operations.takes import Takes
from seqjobs.tables._base import Entry

Note: TypeAlias = Callable[[str, Array], None]
"""Takes what is wrong and in which rows (bool, one per row); the operation continues with any value in their place."""

Layer: TypeAlias = Callable[[Any], Any]
"""A Keras layer, or a function made of Keras's layers and ops: takes and returns a tensor (rows, width)."""

NOT_FINITE = "NaN or infinite"
TOO_LARGE = "whole numbers of 2**53 or more, which impute cannot hold exactly,"


class Learner(ABC):
    """Takes what an operation needs from the training rows, some rows at a time, and keeps no more than that."""

    smaller: ClassVar[str] = "leave the column out"
    """What a user can do so that less is kept, in the words of a fix."""

    @property
    def num_bytes(self) -> int:
        """About how many bytes are kept."""
        return 0

    @abstractmethod
    def add(self, values: Values) -> None:
        """Take the next rows of a part. Raises DataError (E417) once the rows show that nothing can be learned."""

    def end_part(self) -> None:  # noqa: B027 - most have nothing to do then
        """Take note that a part is complete. Parts have a fixed number of rows, and only they may change bits."""

    @abstractmethod
    def finish(self) -> Operation | None:
        """Return the operation with what was learned, or None if all rows must be added once more.

        Raises DataError (E417) if the rows do not show it.
        """


@dataclass(frozen=True, kw_only=True)
class Operation(ABC):
    """The fields are the arguments of the spec, then what was learned from the training rows: None until it was.

    A column is what Arrow has read until the first operation on numbers, then an array (rows, width): float64 with NaN
    where a value is missing, int32 or uint8 where the values are whole numbers or bytes.
    """

    entry: ClassVar[Entry]
    """The name, the arguments, their rules and a sentence: what the spec's table holds."""

    takes: ClassVar[Takes]
    """Which columns it can be given."""

    looks_up: ClassVar[bool] = False
    """Whether it tells values apart by all of their digits. It takes numbers as Arrow has read them."""

    takes_any_length: ClassVar[bool] = False
    """Whether it takes lists of different lengths. It takes them as Arrow has read them."""

    keeps_values: ClassVar[bool] = False
    """Whether it leaves the values that exist as they are, so that the next operation may look them up."""

    @property
    def refuses_infinite(self) -> bool:
        """Whether infinite values are reported before it, because it would learn from them or hide them."""
        return False

    @property
    def accepted(self) -> Takes:
        """Which of the columns in `takes` it can be given with its arguments."""
        return self.takes

    @final
    def output(self, given: ColumnType) -> ColumnType:
        """Return the type that a column of this type becomes; `shape` is None if only the training rows tell it.

        Raises DataError (E403) if a column of this type cannot be the input.
        """
        self.accepted.check(given)
        return self.makes(given)

    @abstractmethod
    def makes(self, given: ColumnType) -> ColumnType:
        """Return `output` of a type that is accepted. Raises DataError (E403) for what `Takes` cannot express."""

    @abstractmethod
    def apply(self, values: Values, note: Note) -> Values:
        """Return the values of some rows; each row by itself, so that no result depends on how rows are cut."""

    def learner(self) -> Learner | None:
        """Return what learns from the training rows; None if nothing is to be learned."""
        return None

    def not_exportable(self, given: ColumnType) -> str:  # noqa: ARG002
        """Return why no layer of Keras does the same to a column of this type; empty if `layer` does."""
        return ""

    @abstractmethod
    def layer(self, given: ColumnType, keras: Any) -> Layer:
        """Return what does the same as `apply` inside a Keras model, for columns that are exportable.

        The tensor it takes is tf.string, int64 or float64, with NaN where a number and "" where a string is missing.
        """

    @classmethod
    def of(cls, **fields: object) -> Self:
        """Make it of the arguments of a spec, or of all fields as JSON has them."""
        return cls(**{name: _as_tuple(value) for name, value in fields.items()})


def _as_tuple(value: object) -> object:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def numbers(values: Values) -> Array:
    """Return values as float64 (rows, width), NaN where one is missing."""
    assert isinstance(values, np.ndarray)
    return values.astype(np.float64, copy=False)


def as_row(numbers_of_columns: Any) -> Array:
    """Return numbers as float64 (1, width), to be combined with a tensor (rows, width)."""
    return np.asarray(numbers_of_columns, np.float64).reshape(1, -1)
