"""Whether rows are sorted by their target, so that the last of them are unlike the others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import is_list
from seqjobs.data.profiles.codes import codes_of

LEAST_ROWS = 50
# The share of rows whose class would have to change for both parts to have the same classes; and of numbers, the
# distance of the parts' means in standard deviations. Random orders of 50 rows stay below both.
MAX_CLASS_DISTANCE = 0.5
MAX_MEAN_DISTANCE = 1.0


def is_sorted_by(target: pa.ChunkedArray, held_back: float, *, is_class: bool) -> bool:
    """Whether the last part of the rows, a fraction, has other targets than what comes before; not told of lists."""
    first = len(target) - int(len(target) * held_back)
    if len(target) < LEAST_ROWS or is_list(target.type) or isinstance(target.type, pa.BaseExtensionType):
        return False
    if is_class:
        codes = codes_of(target)
        size = int(codes.max()) + 1
        before, behind = (np.bincount(part, minlength=size) / len(part) for part in (codes[:first], codes[first:]))
        unknown = bool((behind[before == 0] > 0).any()) and size <= len(target) / 20
        return unknown or float(np.abs(before - behind).sum() / 2) > MAX_CLASS_DISTANCE
    values = np.asarray(target.drop_null().cast(pa.float64(), safe=False), np.float64)
    values = values[np.isfinite(values)]
    deviation = values.std() if len(values) else 0.0
    if not deviation:
        return False
    return bool(abs(values[:first].mean() - values[first:].mean()) > MAX_MEAN_DISTANCE * deviation)
