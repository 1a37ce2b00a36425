"""ReadingNote: which file a process is reading, noted where it can be seen after the process has died.

Arrow's readers end the process on some files: JSON that is nested 100,000 levels deep overflows the stack, and an ORC
footer may claim more memory than there is. Nothing can be caught then, so another process tells the user.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar, final

from seqjobs.errors import DataError
from seqjobs.errors.out_of_memory import describe_address_limit
from seqjobs.errors.printable import printable
from seqjobs.jobspec.data_files import scheme_of

Item = TypeVar("Item")

SIZE = 4096
"""Bytes of a note: one that says whether a file is being read, then the file's name."""


@final
class ReadingNote:
    """The name of the file that is being read, in memory that outlives the process."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    @classmethod
    def shared(cls) -> ReadingNote:
        """Return a note that a forked child writes and its parent reads."""
        return cls(mmap.mmap(-1, SIZE))

    @property
    def file(self) -> str:
        """The file that is being read, as errors name it; empty if there is none."""
        content: bytes = self._memory[:SIZE]
        return content[1:].partition(b"\0")[0].decode(errors="replace") if content[0] else ""

    def begin(self, file: str) -> None:
        """Note that `file` is being read."""
        name = file.encode(errors="replace")[: SIZE - 2] + b"\0"
        self._memory[1 : 1 + len(name)] = name
        self._memory[0] = 1

    def end(self) -> None:
        """Note that no file is being read."""
        self._memory[0] = 0


_note: ReadingNote | None = None
"""Where this process notes what it reads."""


def note_in(note: ReadingNote | None) -> None:
    """From now on, note the files that this process reads in `note`, or nowhere."""
    global _note  # noqa: PLW0603 - a process reads one file at a time
    _note = note


@contextmanager
def reading(file: str) -> Iterator[None]:
    """Note, within the block, that this process reads `file`."""
    note = _note
    if note is None:
        yield
        return
    note.begin(file)
    try:
        yield
    finally:
        note.end()


def while_reading(items: Iterator[Item], file: str) -> Iterator[Item]:
    """Yield the items; each is noted as read from `file` while it is made, but not while it is used."""
    end = object()
    while True:
        with reading(file):
            item = next(items, end)
        if item is end:
            return
        yield item  # type: ignore[misc] # it is not `end`


def reader_died(file: str, reason: str = "") -> DataError:
    """Return the error E425 for a file whose reader died; `reason` is what the process died of, if it is known."""
    is_stored = scheme_of(file) is not None
    from_where = "from this store" if is_stored else "this file"
    died = f"the process that was reading {from_where} died{f' of {reason}' if reason else ''}"
    what = f"{died}; usually the file is damaged, or decoding it takes more memory than is free"
    fix = "write the file again, as Parquet with small row groups, or read it where more memory is free."
    if is_stored:
        what = f"{what}, or the store's client cannot handle the address or an answer"
        fix = f"check the path and data.storage; {fix}"
    what += describe_address_limit()
    return DataError("E425", what, where=printable(file), fix=fix)
