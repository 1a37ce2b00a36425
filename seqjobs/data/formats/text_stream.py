"""TextStream: the text of a data file, decompressed, looked at before it is parsed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, final

from seqjobs.data.free_memory import free_bytes
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError

MAX_RATIO = 100
"""Numbers as text are compressed to a third or a tenth; what is all one character, to a thousandth and less."""
GIB = 1 << 30


class Inspection(Protocol):
    """Looks at a text block by block."""

    def look(self, block: bytes) -> None:
        """Raises DataError for what a parser must not see."""


@final
class TextStream(io.RawIOBase):
    """A file that Arrow reads from its beginning to its end.

    Raises DataError (E413) where text is longer than the free memory and `MAX_RATIO` times as long as its file: so
    little is in it that it was made to fill a machine. Longer text of a longer file passes, for of its columns only a
    few may be used.
    """

    def __init__(self, opened: io.IOBase, source: SourceFile, limit: int, inspection: Inspection) -> None:
        self._opened = opened
        self._source = source
        self._limit = limit
        self._inspection = inspection
        self._length = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._opened.read(size)
        self._length += len(block)
        if self._length > self._limit:
            what = f"its text is longer than {self._limit / GIB:,.1f} GiB, {MAX_RATIO} times as long as the file itself"
            fix = "check its origin; rows that are truly so alike can be stored as Parquet."
            raise DataError("E413", what, where=self._source.where, fix=fix)
        self._inspection.look(block)
        return block


@contextmanager
def open_text(source: SourceFile, inspection: Inspection) -> Iterator[TextStream]:
    """The text of a file. Raises OSError."""
    with source.open() as file:
        limit = max(free_bytes(), MAX_RATIO * file.size())
    with source.open_stream() as opened:
        yield TextStream(opened, source, limit, inspection)
