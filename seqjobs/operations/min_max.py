"""min_max: map the least and the largest value to two bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.errors import DataError
from seqjobs.operations._base import Layer, Learner, Note, Operation, numbers
from seqjobs.operations.arrays import Array, Values, np
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.takes import NUMBERS
from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry
from seqjobs.tables.arguments import Number


def _low_below_high(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    low, high = given["low"], given["high"]
    if isinstance(low, float) and isinstance(high, float) and low >= high:
        yield Conflict("high", f"the bounds are {low:g} and {high:g}", "give a high bound above the low bound")


@final
@dataclass(frozen=True, kw_only=True)
class MinMax(Operation):
    """Values beyond those of the training rows become values beyond the bounds."""

    entry = Entry(
        "min_max",
        "Map the least and the largest value of the training rows to `low` and `high`, and the others in between. A "
        "constant column becomes `low`.",
        {"low": Argument(Number(), 0.0), "high": Argument(Number(), 1.0)},
        rules=(_low_below_high,),
    )
    takes = NUMBERS

    low: float = 0.0
    high: float = 1.0
    least: tuple[float, ...] | None = None
    largest: tuple[float, ...] | None = None

    @property
    def refuses_infinite(self) -> bool:
        return True

    def makes(self, given: ColumnType) -> ColumnType:
        return replace(NUMBER, shape=given.shape)

    def learner(self) -> Learner | None:
        return _Learner(self) if self.least is None else None

    def apply(self, values: Values, _note: Note) -> Values:
        share = (numbers(values) - np.array(self.least)) / self._width
        return self.low + share * (self.high - self.low)

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        # Two of them, since one would lose the digits of numbers far from 0.
        from_least = keras.layers.Rescaling(np.ones(len(self._width)), offset=-np.array(self.least), dtype="float64")
        to_bounds = keras.layers.Rescaling(
            (self.high - self.low) / self._width, offset=np.full(len(self._width), self.low), dtype="float64"
        )
        return lambda column: to_bounds(from_least(column))

    @property
    def _width(self) -> Array:
        """(width,) from the least to the largest value; 1 for a constant column."""
        width = np.array(self.largest) - np.array(self.least)
        return np.where(width == 0, 1.0, width)


@final
class _Learner(Learner):
    def __init__(self, operation: MinMax) -> None:
        self._operation = operation
        self._least: Array | None = None  # (width,), as the other
        self._largest: Array | None = None

    def add(self, values: Values) -> None:
        found = numbers(values)
        least = np.where(np.isnan(found), np.inf, found).min(axis=0)
        largest = np.where(np.isnan(found), -np.inf, found).max(axis=0)
        self._least = least if self._least is None else np.minimum(self._least, least)
        self._largest = largest if self._largest is None else np.maximum(self._largest, largest)

    def finish(self) -> MinMax:
        assert self._least is not None
        assert self._largest is not None
        # A column without a number is reported when it is written; until then it must not harm the others.
        is_there = np.isfinite(self._least) & np.isfinite(self._largest)
        is_wide = is_there & ~np.isfinite(self._largest - self._least)
        if is_wide.any():
            what = "the values of the training rows are so far apart that their distance is beyond float64"
            raise DataError("E417", what, fix="put a `rescale` or a `clip` before it.")
        least, largest = np.where(is_there, self._least, 0.0), np.where(is_there, self._largest, 0.0)
        return replace(self._operation, least=tuple(least.tolist()), largest=tuple(largest.tolist()))
