"""pad: lists of numbers cut or filled up to one length."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import NUMBER, Note, Operation, Values, unlike


@final
@dataclass(frozen=True, kw_only=True)
class Pad(Operation):
    takes_stored = True

    length: int
    value: float = 0.0
    keep: str = "start"

    def output(self, given: ColumnType) -> ColumnType:
        if not given.is_number or given.shape == ():
            raise unlike(given, "lists of numbers", "give it a column of lists.")
        whole = given.kind != "float" and self.value.is_integer()
        made = ColumnType(kind="integer", dtype="int32", shape=()) if whole else NUMBER
        return replace(made, shape=(self.length,))

    def apply(self, values: Values, note: Note) -> Values:
        assert isinstance(values, pa.Array)
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
