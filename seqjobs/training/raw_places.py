"""place_of: which of known rows of whole numbers each row is, by Keras's own lookups of single numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from seqjobs.data.dataset import Array

BITS = 62
"""Of the largest number that several are packed into; it is positive as int64."""


def place_of(columns: Sequence[Any], known: Array, bits: int) -> Any:
    """The place of each row among the known, from 1; 0 for one that is none of them.

    `columns` are int64 tensors of one shape, `known` is (rows, columns) with all rows distinct; all numbers have
    `bits` bits at most. Several numbers become one, and of that its place counts, which has fewer bits, until one is
    left.
    """
    while True:
        at_once = max(1, BITS // bits)
        groups = range(0, known.shape[1], at_once)
        keys = [packed(known[:, begin : begin + at_once].T, bits) for begin in groups]
        made = [packed(columns[begin : begin + at_once], bits) for begin in groups]
        if len(keys) == 1:
            return looked_up(made[0], keys[0].tolist())
        vocabularies = [np.unique(key) for key in keys]
        columns = [looked_up(column, some.tolist()) for column, some in zip(made, vocabularies, strict=True)]
        known = np.stack([np.searchsorted(some, key) + 1 for some, key in zip(vocabularies, keys, strict=True)], axis=1)
        bits = int(known.max()).bit_length()


def packed(columns: Any, bits: int) -> Any:
    """One number of several, the first in its lowest bits."""
    total = columns[0]
    for index, column in enumerate(columns[1:], start=1):
        total = total + column * np.int64(1 << bits * index)
    return total


def looked_up(column: Any, numbers: list[int]) -> Any:
    """The place of each number among these, none below 0, from 1; 0 for all others."""
    layer = keras.layers.IntegerLookup(vocabulary=numbers, oov_token=-1, num_oov_indices=1, mask_token=None)
    return layer(column)
