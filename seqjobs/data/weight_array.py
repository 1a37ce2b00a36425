"""WeightArray: the rows' weights of one split, filled batch by batch."""

from __future__ import annotations

from typing import final

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import numbers_of
from seqjobs.data.place import Place
from seqjobs.data.tally import Tally
from seqjobs.operations.arrays import Array, rows_with


@final
class WeightArray:
    """One float32 a row."""

    def __init__(self, name: str, rows: int, tally: Tally) -> None:
        self._name = name
        self._array = np.empty(rows, np.float32)
        self._tally = tally

    def write(self, column: pa.Array, start: int, place: Place) -> None:
        """Decodes the weights of a batch into the rows from `start`; what is wrong with them is counted."""
        block = self._array[start : start + len(column)].reshape(-1, 1)
        numbers = numbers_of(column, self._name, 1, place)
        if numbers.values is None:
            self._tally.add("E403", "null", self._name, numbers.null_rows, place)
            return
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, and is found as that
            np.copyto(block, numbers.values, casting="unsafe")
        self._tally.add("E431", "NaN or infinite", self._name, rows_with(~np.isfinite(block)), place)
        self._tally.add("E431", "negative", self._name, rows_with(block < 0), place)

    def finish(self) -> Array:
        """The weights (rows,)."""
        return self._array
