"""Decoded rows as warnings look at them: all of them block by block, some of them, or one hash for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from seqjobs.data.dataset import Array, Split
from seqjobs.data.streamed.stored_rows import StoredRows

# The first block is small, since it answers most questions; later ones are large, since each costs calls.
FIRST_ROWS = 4096
BLOCK_BYTES = 16 << 20
# The most that is read into memory of rows that lie in a file.
SPREAD_BYTES = 64 << 20


def count_feature_bytes(split: Split) -> int:
    """Return the size of all features of a split."""
    return len(split) * _row_bytes(split)


def iterate_blocks(split: Split) -> Iterator[Array]:
    """Yield the features of all rows in their order, (rows, width) each."""
    most = max(1, BLOCK_BYTES // max(1, _row_bytes(split)))
    start, rows = 0, min(FIRST_ROWS, most)
    while start < len(split):
        block = split.features[start : start + rows]
        yield block.reshape(len(block), -1)
        start, rows = start + rows, most


def select_spread_rows(split: Split, most: int) -> tuple[Array, Array]:
    """Return features (rows, width) and targets of at most `most` evenly spread rows; fewer large ones of a file."""
    features: Any = split.features
    if isinstance(features, StoredRows):
        step = -(-len(split) // max(1, min(most, SPREAD_BYTES // _row_bytes(split))))
        rows = np.concatenate([features[start : start + 1] for start in range(0, len(split), step)])
    else:
        step = -(-len(split) // most)
        rows = features[::step]
    return rows.reshape(len(rows), -1), split.target[::step]


def find_feature_range(splits: Iterable[Split], scale: Array | None) -> tuple[float, float]:
    """Return the least and the largest feature of all rows, multiplied by `scale` as models get them."""
    found: list[tuple[float, float]] = []
    for split in splits:
        for rows in iterate_blocks(split):
            bounds = np.stack([rows.min(axis=0), rows.max(axis=0)])
            scaled = bounds if scale is None else bounds * scale
            found.append((float(scaled.min()), float(scaled.max())))
    return min(least for least, _ in found), max(largest for _, largest in found)


def hash_rows(rows: Array) -> Array:
    """Return uint64 (rows,) for an array (rows, width): equal rows have equal hashes.

    With 64 bits, two different rows among millions practically never share a hash.
    """
    size = rows.shape[1] * rows.itemsize
    words = -(-size // 8)
    factors = np.random.default_rng(0).integers(1, 1 << 63, words, dtype=np.uint64) * 2 + 1
    hashes = np.empty(len(rows), np.uint64)
    at_once = max(1, BLOCK_BYTES // max(1, words * 8))
    for start in range(0, len(rows), at_once):
        block = np.ascontiguousarray(rows[start : start + at_once])
        padded = np.zeros((len(block), words * 8), np.uint8)
        padded[:, :size] = block.view(np.uint8).reshape(len(block), size)
        mixed = padded.view(np.uint64)
        # The low bits of a sum of words times odd numbers depend on low bits alone, so words are mixed before.
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(32)
        hashes[start : start + len(block)] = (mixed * factors).sum(axis=1, dtype=np.uint64)
    return hashes


def _row_bytes(split: Split) -> int:
    features: Any = split.features
    return features.row_bytes if isinstance(features, StoredRows) else int(features[:1].nbytes)
