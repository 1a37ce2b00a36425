"""PreparedValues: the features of few values, made once for all batches that have no others."""

from __future__ import annotations

from typing import final

import numpy as np

from seqjobs.data.chain import Chain
from seqjobs.data.place import Place
from seqjobs.operations._base import Note
from seqjobs.operations.arrays import Array
from seqjobs.operations.few_values import FewValues


@final
class PreparedValues:
    """What a chain makes of each value, and what it notes of them, which is told of rows that have them alone."""

    def __init__(self, chain: Chain, few: FewValues, dtype: np.dtype[np.generic], place: Place) -> None:
        self._few = few
        self._notes: list[tuple[str, Array]] = []
        found = chain.apply(few.column, lambda wrong, values: self._notes.append((wrong, values)), place)
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, and is found as that
            self._features = found.astype(dtype)

    def holds(self, few: FewValues) -> bool:
        """Whether all of these values are among its own."""
        return self._few.low <= few.low and few.high <= self._few.high

    def put(self, few: FewValues, part: Array, note: Note) -> None:
        """Writes the features of rows (rows, width)."""
        codes = few.codes if few.low == self._few.low else few.codes + (few.low - self._few.low)
        part[:] = np.take(self._features, codes, axis=0)
        for wrong, values in self._notes:
            if values.any():
                note(wrong, values[codes])
