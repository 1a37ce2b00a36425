"""pad: cut lists of numbers, or fill them up, to one length."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.operations._base import Layer, Note, Operation
from seqjobs.operations.arrays import Values, np, pa, pc
from seqjobs.operations.column_type import INDEX, NUMBER, ColumnType
from seqjobs.operations.takes import LISTS
from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.arguments import Integer, Number, OneOf

MAX_LENGTH = 100_000


@final
@dataclass(frozen=True, kw_only=True)
class Pad(Operation):
    entry = Entry(
        "pad",
        "Cut lists to `length` values, and fill shorter lists with `value`; `keep: end` keeps the last values.",
        {
            "length": Argument(Integer(at_most=MAX_LENGTH)),
            "value": Argument(Number(), 0.0),
            "keep": Argument(OneOf(("start", "end")), "start"),
        },
        alone="length",
    )
    takes = LISTS
    takes_any_length = True

    length: int
    value: float = 0.0
    keep: str = "start"

    def makes(self, given: ColumnType) -> ColumnType:
        is_whole = given.kind != "float" and self.value.is_integer()
        return replace(INDEX if is_whole else NUMBER, shape=(self.length,))

    def apply(self, values: Values, note: Note) -> Values:
        if isinstance(values, np.ndarray):
            values = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
        missing = np.asarray(values.is_null())
        note("null", missing)
        storage = values.storage if isinstance(values, pa.ExtensionArray) else values
        lengths = np.asarray(pc.fill_null(pc.list_value_length(storage), 0), np.int64)
        flat = np.asarray(storage.flatten().cast(pa.float64(), safe=False), np.float64)
        made = np.full((len(values), self.length), self.value)
        kept = np.minimum(lengths, self.length)
        rows = np.repeat(np.arange(len(values)), kept)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(kept) - kept, kept)
        begins = np.cumsum(lengths) - lengths
        if self.keep == "end":
            begins = begins + lengths - kept
        made[rows, within] = flat[begins[rows] + within]
        return made

    def layer(self, given: ColumnType, keras: Any) -> Layer:  # noqa: ARG002
        ops = keras.ops
        places = np.arange(self.length).reshape(1, -1)

        def layer(column: Any) -> Any:
            width = column.shape[-1]
            column = ops.pad(column, [[0, 0], [0, self.length]], constant_values=np.nan)
            if width is None:  # where lists of different lengths are filled up with NaN
                is_there = ops.logical_not(ops.isnan(column))
                counted = ops.cumsum(ops.ones_like(column, dtype="int64"), axis=-1)
                lengths = ops.max(ops.where(is_there, counted, 0), axis=-1, keepdims=True)
            else:
                lengths = ops.full_like(column[:, :1], width, dtype="int64")
            begins = ops.zeros_like(lengths)
            if self.keep == "end":
                begins = ops.maximum(ops.subtract(lengths, self.length), 0)
            kept = ops.take_along_axis(column, ops.add(begins, places), axis=-1)
            return ops.where(ops.less(places, lengths), kept, np.float64(self.value))

        return layer
