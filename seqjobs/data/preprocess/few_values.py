"""FewValues: a column of small whole numbers as the values there may be, and which of them each row has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np
import pyarrow as pa

from seqjobs.data.dataset import Array
from seqjobs.data.preprocess._base import Values

MOST = 4096
ROWS_OF_A_VALUE = 4
"""With fewer rows a value, there is little to gain, and a table of them might be larger than the rows."""


@final
@dataclass(frozen=True, kw_only=True)
class FewValues:
    """Operations look at each row by itself: done to the values once, they give the rows theirs, to the bit."""

    low: int
    high: int
    codes: Array  # (rows,), a row's value less the lowest
    dtype: np.dtype[np.generic]
    """Of the column."""

    @classmethod
    def of(cls, values: Values) -> Self | None:
        """None for what is not whole, has gaps or several numbers a row, and where values are many."""
        found = _whole(values)
        if found is None or not len(found):
            return None
        low, high = int(found.min()), int(found.max())
        if high - low >= min(MOST, len(found) // ROWS_OF_A_VALUE) or high > np.iinfo(np.intp).max:
            return None
        codes = np.subtract(found, low, dtype=np.intp, casting="unsafe")
        return cls(low=low, high=high, codes=codes, dtype=found.dtype)

    @property
    def values(self) -> Array:
        """(values,) from the lowest to the highest; some may have no row."""
        return np.array(range(self.low, self.high + 1), self.dtype)

    @property
    def column(self) -> pa.Array:
        """The values, as Arrow has them."""
        return pa.array(self.values)


def _whole(values: Values) -> Array | None:
    if isinstance(values, np.ndarray):
        return values[:, 0] if values.shape[1] == 1 and values.dtype.kind in "iu" else None
    if not pa.types.is_integer(values.type) or values.null_count:
        return None
    found: Array = values.to_numpy()
    return found
