"""rescale: multiply by a factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.operations._base import Layer, Note, Operation, numbers
from seqjobs.operations.arrays import Values, np
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.takes import NUMBERS
from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.arguments import Number


@final
@dataclass(frozen=True, kw_only=True)
class Rescale(Operation):
    entry = Entry(
        "rescale",
        "Multiply by a factor, for example 1/255 for pixels.",
        {"factor": Argument(Number())},
        alone="factor",
    )
    takes = NUMBERS

    factor: float

    def makes(self, given: ColumnType) -> ColumnType:
        return replace(NUMBER, shape=given.shape)

    def apply(self, values: Values, _note: Note) -> Values:
        return numbers(values) * self.factor

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        # An array keeps its float64 in a file; a Python number would come back as float32.
        layer: Layer = keras.layers.Rescaling(np.array([self.factor]), dtype="float64")
        return layer
