"""log1p: take the natural logarithm of 1 + x."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.operations._base import Layer, Note, Operation, numbers
from seqjobs.operations.arrays import Values, np, rows_with
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.takes import NUMBERS
from seqjobs.tables._base import Entry

NO_LOGARITHM = "-1 or less, which has no logarithm of 1 + x,"


@final
@dataclass(frozen=True, kw_only=True)
class Log1p(Operation):
    entry = Entry("log1p", "Take the natural logarithm of 1 + x.")
    takes = NUMBERS

    def makes(self, given: ColumnType) -> ColumnType:
        return replace(NUMBER, shape=given.shape)

    def apply(self, values: Values, note: Note) -> Values:
        found = numbers(values)
        beyond = found <= -1
        if not beyond.any():
            return np.log1p(found)
        note(NO_LOGARITHM, rows_with(beyond))
        return np.log1p(np.where(beyond, 0.0, found))

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        layer: Layer = keras.ops.log1p
        return layer
