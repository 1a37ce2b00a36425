"""Operation: one thing done to a column before it is a feature, and what it may need to learn for that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, TypeAlias

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import ColumnType
from seqjobs.data.dataset import Array
from seqjobs.errors import DataError

Values: TypeAlias = "pa.Array | Array"
"""A column on its way: as Arrow has it until the first operation on numbers, then an array (rows, width).

Numbers are float64, with NaN where a value is missing; what is whole or bytes by its meaning is int32 or uint8.
"""

Note = Callable[[str, Array], None]
"""Is told what is wrong with which rows (bool, one a row); the operation goes on with any value in their place."""

NOT_FINITE = "NaN or infinite"
TOO_LARGE = "whole numbers of 2**53 or more, which impute does not hold to the last digit,"
NUMBER = ColumnType(kind="float", dtype="float32", shape=())


class Learner(Protocol):
    """Takes what an operation needs from the training rows, a part of them at a time, and keeps no more than that."""

    def add(self, values: Values) -> None: ...

    def finish(self) -> Operation:
        """The operation with what was learned. Raises DataError where the rows do not tell it."""


@dataclass(frozen=True, kw_only=True)
class Operation(ABC):
    """Fields are the arguments of the spec and, behind them, what was learned: None until it was."""

    takes_stored: ClassVar[bool] = False
    """Whether it takes numbers as Arrow has them too, in which whole ones are whole."""

    keeps_values: ClassVar[bool] = False
    """Whether what is there stays as it is, so that whole numbers must lose no digit where they are looked up next."""

    @property
    def refuses_infinite(self) -> bool:
        """Whether infinities are told before it: it would learn from them, or make ordinary features of them."""
        return False

    @abstractmethod
    def output(self, given: ColumnType) -> ColumnType:
        """What becomes of a column of this type; `shape` is None where only the training rows tell it.

        Raises DataError (E403) where the operation is not for such a column.
        """

    @abstractmethod
    def apply(self, values: Values, note: Note) -> Values:
        """The values of some rows; each row by itself, so that no result depends on how rows are cut."""

    def learner(self) -> Learner | None:
        """What learns from the training rows; None where nothing is to be learned."""
        return None

    @classmethod
    def of(cls, **fields: object) -> Self:
        """From the arguments of a spec, or from what `fields` of a stored one were, lists for tuples."""
        return cls(**{name: _frozen(value) for name, value in fields.items()})


def _frozen(value: object) -> object:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def unlike(given: ColumnType, wanted: str, fix: str) -> DataError:
    """The error for an operation on a column that it is not for."""
    return DataError("E403", f"it is for {wanted}, and what it is given is {given}", fix=fix)


def check_numbers(given: ColumnType) -> None:
    """Raises DataError where a column holds no numbers, or lists of different lengths."""
    if not given.is_number:
        raise unlike(given, "numbers", "make numbers of it first, as by index, one_hot or date_parts.")
    if given.shape is None:
        raise unlike(given, "lists of one length", "put `pad` before it.")


def numbers(values: Values) -> Array:
    """Float64 (rows, width), NaN where a value is missing."""
    assert isinstance(values, np.ndarray)
    return values.astype(np.float64, copy=False)
