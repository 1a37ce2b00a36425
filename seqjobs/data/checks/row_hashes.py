"""row_hashes: a number for each row, equal where rows are."""

from __future__ import annotations

import numpy as np

from seqjobs.data.dataset import Array

_BLOCK_BYTES = 16 << 20


def row_hashes(rows: Array) -> Array:
    """uint64 (rows,) of an array (rows, width); 64 bits, so that among millions of rows no two others meet."""
    size = rows.shape[1] * rows.itemsize
    words = -(-size // 8)
    factors = np.random.default_rng(0).integers(1, 1 << 63, words, dtype=np.uint64) * 2 + 1
    made = np.empty(len(rows), np.uint64)
    at_once = max(1, _BLOCK_BYTES // max(1, words * 8))
    for start in range(0, len(rows), at_once):
        block = np.ascontiguousarray(rows[start : start + at_once])
        padded = np.zeros((len(block), words * 8), np.uint8)
        padded[:, :size] = block.view(np.uint8).reshape(len(block), size)
        mixed = padded.view(np.uint64)
        # Sums of words times odd numbers keep low bits in low bits; mixed before, they do not.
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(32)
        made[start : start + len(block)] = (mixed * factors).sum(axis=1, dtype=np.uint64)
    return made
