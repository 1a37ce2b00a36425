"""bucketize: count the boundaries that are at or below a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.errors import DataError
from seqjobs.operations._base import Layer, Learner, Note, Operation, numbers
from seqjobs.operations.arrays import Array, Values, np, rows_with
from seqjobs.operations.column_type import INDEX, ColumnType
from seqjobs.operations.takes import NUMBERS
from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry
from seqjobs.tables.arguments import Integer, ListOf, Number, Optional


def _one_way_to_cut(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    boundaries, quantiles = given["boundaries"], given["quantiles"]
    if (boundaries is None) == (quantiles is None):
        what = "bucketize takes boundaries or a number of quantiles, one of the two"
        yield Conflict("boundaries", what, "write {bucketize: [0, 10, 100]}, or {bucketize: {quantiles: 4}}")
    elif isinstance(boundaries, tuple) and list(boundaries) != sorted(set(map(float, boundaries))):  # type: ignore[arg-type]
        yield Conflict("boundaries", "the boundaries do not increase", "sort the boundaries, and write each once")


@final
@dataclass(frozen=True, kw_only=True)
class Bucketize(Operation):
    """The numbers of keras.layers.Discretization, which compares values and boundaries as float32.

    The quantiles that the layer adapts are estimates; these are exact.
    """

    entry = Entry(
        "bucketize",
        "Count the boundaries that are at or below a value; `quantiles` cuts the training rows into that many equal "
        "parts.",
        {
            "boundaries": Argument(Optional(ListOf(Number())), None),
            "quantiles": Argument(Optional(Integer(at_least=2, at_most=1000)), None),
        },
        rules=(_one_way_to_cut,),
        alone="boundaries",
    )
    takes = NUMBERS

    boundaries: tuple[float, ...] | None = None
    quantiles: int | None = None

    @property
    def refuses_infinite(self) -> bool:
        return True

    def makes(self, given: ColumnType) -> ColumnType:
        return replace(INDEX, shape=given.shape)

    def learner(self) -> Learner | None:
        return _Learner(self) if self.boundaries is None else None

    def apply(self, values: Values, note: Note) -> Values:
        found = numbers(values)
        note("null", rows_with(np.isnan(found)))
        with np.errstate(over="ignore"):  # a number beyond float32 is beyond all boundaries
            found, boundaries = found.astype(np.float32), np.array(self.boundaries, np.float32)
        return np.searchsorted(boundaries, found, side="right").astype(np.int32)

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        layer: Layer = keras.layers.Discretization(list(self.boundaries or ()))
        return layer


@final
class _Learner(Learner):
    """Holds the column, 8 bytes per number: quantiles that are merged from parts depend on the parts."""

    smaller = "write boundaries instead of quantiles"

    def __init__(self, operation: Bucketize) -> None:
        self._operation = operation
        self._parts: list[Array] = []
        self._num_bytes = 0

    @property
    def num_bytes(self) -> int:
        return self._num_bytes

    def add(self, values: Values) -> None:
        self._parts.append(numbers(values).reshape(-1).copy())  # a view would keep the whole batch
        self._num_bytes += self._parts[-1].nbytes

    def finish(self) -> Bucketize:
        found = np.concatenate(self._parts)
        found = found[~np.isnan(found)]
        if not found.size:
            what = "the value is missing in all training rows, so there are no quantiles"
            raise DataError("E417", what, fix="leave the column out, or put `impute` before it.")
        shares = np.arange(1, self._operation.quantiles or 2) / (self._operation.quantiles or 2)
        return replace(self._operation, boundaries=tuple(np.unique(np.quantile(found, shares)).tolist()))
