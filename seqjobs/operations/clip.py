"""clip: replace values beyond a bound by the bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.operations._base import Layer, Note, Operation, as_row, numbers
from seqjobs.operations.arrays import Values, np
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.takes import NUMBERS
from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry
from seqjobs.tables.arguments import Number, Optional

_BOUND = Argument(Optional(Number()), None)


def _some_bound(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    low, high = given["low"], given["high"]
    if low is None and high is None:
        yield Conflict("low", "clip has no bound", "write {clip: {low: 0}}, {clip: {high: 1}} or both")
    elif isinstance(low, float) and isinstance(high, float) and low >= high:
        yield Conflict("high", f"the bounds are {low:g} and {high:g}", "give a high bound above the low bound")


@final
@dataclass(frozen=True, kw_only=True)
class Clip(Operation):
    entry = Entry(
        "clip", "Replace values beyond a bound with the bound.", {"low": _BOUND, "high": _BOUND}, rules=(_some_bound,)
    )
    takes = NUMBERS

    low: float | None = None
    high: float | None = None

    def makes(self, given: ColumnType) -> ColumnType:
        return replace(NUMBER, shape=given.shape)

    def apply(self, values: Values, _note: Note) -> Values:
        return np.clip(numbers(values), self.low, self.high)

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        low = as_row(-np.inf if self.low is None else self.low)
        high = as_row(np.inf if self.high is None else self.high)
        return lambda column: keras.ops.minimum(keras.ops.maximum(column, low), high)
