"""FewValues: a column of whole numbers in a small range, as the values of the range and which of them each row has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

from seqjobs.operations.arrays import Array, Values, np, pa

MOST = 4096
ROWS_OF_A_VALUE = 4
"""With fewer rows per value there is little to gain, and a table of the values might be larger than the rows."""


@final
@dataclass(frozen=True, kw_only=True)
class FewValues:
    """Operations look at each row by itself: applied once to each value, they give the rows the same bits."""

    low: int
    high: int
    codes: Array  # (rows,), a row's value minus the lowest
    dtype: np.dtype[np.generic]
    """The column's."""

    @classmethod
    def of(cls, values: Values) -> Self | None:
        """Return None for a column that is not whole, has gaps, several numbers per row, or a large range of values."""
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
        """(values,) from the lowest to the highest; some of them may be in no row."""
        return np.array(range(self.low, self.high + 1), self.dtype)

    @property
    def column(self) -> pa.Array:
        """The values as an Arrow array."""
        return pa.array(self.values)


def _whole(values: Values) -> Array | None:
    if isinstance(values, np.ndarray):
        return values[:, 0] if values.shape[1] == 1 and values.dtype.kind in "iu" else None
    if not pa.types.is_integer(values.type) or values.null_count:
        return None
    found: Array = values.to_numpy()
    return found
