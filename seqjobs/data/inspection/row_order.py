"""is_sorted_by: whether the last rows have other targets than the rest, as in files sorted by their target."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import is_list
from seqjobs.data.inspection.leaks import encode_values, to_numbers

LEAST_ROWS = 50
# For classes: the share of rows whose class would have to change for both parts to have the same classes. For
# numbers: the distance of the parts' means in standard deviations. Random orders of 50 rows stay below both.
MAX_CLASS_DISTANCE = 0.5
MAX_MEAN_DISTANCE = 1.0


def is_sorted_by(target: pa.ChunkedArray, held_back: float, *, is_class: bool) -> bool:
    """Return whether the last fraction `held_back` of the rows has other targets; False for targets of lists."""
    first = len(target) - int(len(target) * held_back)
    if len(target) < LEAST_ROWS or is_list(target.type) or isinstance(target.type, pa.BaseExtensionType):
        return False
    if is_class:
        codes = encode_values(target)
        size = int(codes.max()) + 1
        before, after = (np.bincount(part, minlength=size) / len(part) for part in (codes[:first], codes[first:]))
        has_new_class = bool((after[before == 0] > 0).any()) and size <= len(target) / 20
        return has_new_class or float(np.abs(before - after).sum() / 2) > MAX_CLASS_DISTANCE
    values = to_numbers(target)
    values = values[np.isfinite(values)]
    deviation = values.std() if len(values) else 0.0
    if not deviation:
        return False
    return bool(abs(values[:first].mean() - values[first:].mean()) > MAX_MEAN_DISTANCE * deviation)
