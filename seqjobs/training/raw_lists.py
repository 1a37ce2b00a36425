"""raw_lists: lists cut or filled up to one length in Keras's own ops, as `data/preprocess/pad.py` has them of Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops


def padded(operation: Any, column: Any) -> Any:
    """(rows, length) of (rows, width); where the width is not known, a list ends before the NaN behind it."""
    length = operation.length
    places = np.arange(length).reshape(1, -1)
    width = column.shape[-1]
    column = ops.pad(column, [[0, 0], [0, length]], constant_values=np.nan)
    if width is None:
        is_there = ops.logical_not(ops.isnan(column))
        counted = ops.cumsum(ops.ones_like(column, dtype="int64"), axis=-1)
        lengths = ops.max(ops.where(is_there, counted, 0), axis=-1, keepdims=True)
    else:
        lengths = ops.full_like(column[:, :1], width, dtype="int64")
    begins = ops.maximum(ops.subtract(lengths, length), 0) if operation.keep == "end" else ops.zeros_like(lengths)
    kept = ops.take_along_axis(column, ops.add(begins, places), axis=-1)
    return ops.where(ops.less(places, lengths), kept, np.float64(operation.value))
