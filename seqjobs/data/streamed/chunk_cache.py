"""ChunkCache: the chunks of a window, one behind the other in one piece of memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np

from seqjobs.data.dataset import Array

Read = Callable[[int, Array], None]
"""Reads the chunk of that number into an array (chunk_rows, ...), of which the last chunk leaves a part as it is."""


@final
class ChunkCache:
    """Holds the chunks that were asked for last. Its memory grows to what was asked for at once, and stays."""

    def __init__(self) -> None:
        self._memory: Array | None = None  # (slots, chunk_rows, ...)
        self._slots: dict[int, int] = {}  # by chunk

    @property
    def chunks(self) -> frozenset[int]:
        return frozenset(self._slots)

    def rows(self, index: Array, chunk: Array, read: Read) -> Array:
        """The rows (n, ...) with these numbers, out of chunks like `chunk`, (chunk_rows, ...)."""
        size = len(chunk)
        chunks = index // size
        needed = np.unique(chunks)
        memory = self._held(needed.tolist(), chunk, read)
        places = np.array([self._slots[number] for number in needed.tolist()], np.intp)
        places = places[np.searchsorted(needed, chunks)] * size + index % size
        found: Array = memory.reshape(-1, *chunk.shape[1:])[places]
        return found

    def _held(self, needed: list[int], chunk: Array, read: Read) -> Array:
        for number in self.chunks.difference(needed):
            del self._slots[number]
        memory = self._memory
        if memory is None or len(memory) < len(needed):
            memory = self._memory = np.empty((len(needed), *chunk.shape), chunk.dtype)
            self._slots.clear()
        free = sorted(set(range(len(memory))).difference(self._slots.values()), reverse=True)
        for number in needed:
            if number not in self._slots:
                slot = free.pop()
                read(number, memory[slot])
                self._slots[number] = slot
        return memory
