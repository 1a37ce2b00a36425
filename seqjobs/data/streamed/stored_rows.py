"""StoredRows: rows of one size in a file, read by the window."""

from __future__ import annotations

import fcntl
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, final

import numpy as np

from seqjobs.data.dataset import Array
from seqjobs.data.streamed.chunk_cache import ChunkCache
from seqjobs.data.streamed.window import Window


@final
@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """Rows from `first` on, (rows, *row_shape), as an array gives them by a slice or by their numbers.

    Holds the chunks that it read last. Pickled it is where they lie; who has it anew opens the file. An open file is
    locked against removal.
    """

    path: Path
    dtype: np.dtype[Any]
    row_shape: tuple[int, ...]
    rows: int
    window: Window
    first: int = 0
    _cache: ChunkCache = field(default_factory=ChunkCache, compare=False, repr=False)
    _files: list[_OpenFile] = field(default_factory=list, compare=False, repr=False)

    def __len__(self) -> int:
        return self.rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows, *self.row_shape)

    @property
    def row_bytes(self) -> int:
        return math.prod(self.row_shape) * self.dtype.itemsize

    def part(self, rows: slice) -> Self:
        """Some of the rows, without reading them."""
        start, stop, _ = rows.indices(self.rows)
        return replace(self, first=self.first + start, rows=max(0, stop - start), _cache=ChunkCache())

    def shaped(self, row_shape: tuple[int, ...]) -> Self:
        """The same numbers in rows of another shape."""
        return replace(self, row_shape=row_shape, _cache=ChunkCache())

    def __getitem__(self, index: slice | Array) -> Array:
        """Reads rows. Of numbers in a jumble the chunks that they lie in are held until others are asked for."""
        if isinstance(index, slice):
            start, stop, _ = index.indices(self.rows)
            return self._read(start, max(start, stop))
        chunk = np.broadcast_to(np.zeros((), self.dtype), (self.window.chunk_rows, *self.row_shape))
        return self._cache.rows(index, chunk, self._read_chunk)

    def in_chunks(self) -> Iterator[Array]:
        """All rows in their order, a chunk at a time."""
        for start in range(0, self.rows, self.window.chunk_rows):
            yield self._read(start, min(self.rows, start + self.window.chunk_rows))

    def is_here(self) -> bool:
        """Whether this machine has the file."""
        try:
            self._file()
        except FileNotFoundError:
            return False
        return True

    def _read_chunk(self, number: int, into: Array) -> None:
        start = number * self.window.chunk_rows
        self._read_into(start, into[: self.rows - start])

    def _read(self, start: int, stop: int) -> Array:
        found = np.empty((stop - start, *self.row_shape), self.dtype)
        self._read_into(start, found)
        return found

    def _read_into(self, start: int, into: Array) -> None:
        self._file().read(into.reshape(-1).view(np.uint8).data, (self.first + start) * self.row_bytes)

    def _file(self) -> _OpenFile:
        if not self._files:
            self._files.append(_OpenFile(self.path))
        return self._files[0]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": ChunkCache(), "_files": []}


@final
class _OpenFile:
    """Is shared by the parts of rows, and closed with the last of them."""

    _descriptor = -1

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def read(self, into: memoryview, offset: int) -> None:
        while into:
            count = os.preadv(self._descriptor, [into], offset)
            if count == 0:
                raise OSError("a file of streamed rows is shorter than it was")
            into, offset = into[count:], offset + count

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
