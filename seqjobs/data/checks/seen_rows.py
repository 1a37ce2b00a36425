"""The rows that checks look at: all of them a part at a time, or some, of an array or of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqjobs.data.dataset import Array, Split
from seqjobs.data.streamed.stored_rows import StoredRows

# Most that is asked is answered by the first rows; behind them parts are large, since each costs calls.
FIRST_ROWS = 4096
PART_BYTES = 16 << 20
# Of rows in a file, which have to be read into memory.
SPREAD_BYTES = 64 << 20


def feature_bytes(split: Split) -> int:
    """Of all features of a split."""
    return len(split) * _row_bytes(split)


def in_parts(split: Split) -> Iterator[Array]:
    """The features of all rows in their order, (rows, width) each."""
    most = max(1, PART_BYTES // max(1, _row_bytes(split)))
    first = min(FIRST_ROWS, most)
    for start, rows in ((0, first), *((start, most) for start in range(first, len(split), most))):
        part = split.features[start : start + rows]
        yield part.reshape(len(part), -1)


def spread(split: Split, most: int) -> tuple[Array, Array]:
    """The features (rows, width) and targets of `most` rows at most, evenly spread; fewer of large ones in a file."""
    features: Any = split.features
    if isinstance(features, StoredRows):
        step = -(-len(split) // max(1, min(most, SPREAD_BYTES // _row_bytes(split))))
        rows = np.concatenate([features[start : start + 1] for start in range(0, len(split), step)])
    else:
        step = -(-len(split) // most)
        rows = features[::step]
    return rows.reshape(len(rows), -1), split.target[::step]


def _row_bytes(split: Split) -> int:
    features: Any = split.features
    return features.row_bytes if isinstance(features, StoredRows) else int(features[:1].nbytes)
