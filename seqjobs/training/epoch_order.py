"""The order of an epoch's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
import numpy.typing as npt

from seqjobs.data.streamed.window import Window

Indices = npt.NDArray[np.intp]


class Order(Protocol):
    """The permutation of an epoch's rows, of which slices are asked for one behind the other."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice, /) -> Indices: ...


def epoch_order(rows: int, seed: int, epoch: int) -> Indices:
    """The permutation of an epoch: out of (seed, epoch) alone, so that a trial can go on at any epoch.

    Sorts raw Philox bits, which NumPy keeps stable; its `permutation` may change between versions (NEP 19).
    """
    return _permutation(np.random.Philox(key=[seed, epoch]), rows)


@final
@dataclass(frozen=True, kw_only=True)
class WindowedOrder:
    """Chunks of rows in a permutation, and the rows of each window of chunks in one of their own.

    What is held is one window's part. Out of (seed, epoch) and the window's size, so that each window can be had alone.
    Orders of several shards of one epoch tell them apart by `shard`.
    """

    rows: int
    window: Window
    seed: int
    epoch: int
    shard: int = 0

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: slice, /) -> Indices:
        start, stop, _ = index.indices(self.rows)
        parts, begin = [], 0
        for number, chunks in enumerate(self._windows()):
            length = self._length(chunks)
            if begin < stop and start < begin + length:
                parts.append(self._shuffled(number, chunks)[max(0, start - begin) : stop - begin])
            begin += length
        return np.concatenate(parts) if parts else np.zeros(0, np.intp)

    def _windows(self) -> list[Indices]:
        chunks = _permutation(self._bits(0), -(-self.rows // self.window.chunk_rows))
        return np.split(chunks, range(self.window.chunks, len(chunks), self.window.chunks))

    def _length(self, chunks: Indices) -> int:
        size = self.window.chunk_rows
        last = -(-self.rows // size) - 1
        return len(chunks) * size - ((last + 1) * size - self.rows if last in chunks else 0)

    def _shuffled(self, number: int, chunks: Indices) -> Indices:
        size = self.window.chunk_rows
        rows = (chunks[:, None] * size + np.arange(size)).reshape(-1)
        rows = rows[rows < self.rows]
        return rows[_permutation(self._bits(number + 1), len(rows))]

    def _bits(self, stream: int) -> np.random.Philox:
        # A counter that no other stream of this key gets to.
        return np.random.Philox(key=[self.seed, self.epoch], counter=[0, 0, self.shard, stream])


def _permutation(bits: np.random.Philox, count: int) -> Indices:
    return np.argsort(bits.random_raw(count), kind="stable")
