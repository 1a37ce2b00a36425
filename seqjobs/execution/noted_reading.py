"""noted_reading: files that a worker reads, noted for the worker that takes its place if it dies."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from collections.abc import Iterator

from seqjobs.data.reading_note import SIZE, ReadingNote, note_in, reader_died
from seqjobs.data.streamed.scratch import scratch_folder
from seqjobs.errors import DataError


@contextlib.contextmanager
def noted_reading(note_id: str) -> Iterator[None]:
    """Note what this process reads, in a file of this machine that is named after `note_id`.

    Whoever repeats the work of a process that died uses the same id, and finds the note that the process left.

    Raises:
        DataError: E425 if an earlier process of this id died while it was reading a file.
    """
    with contextlib.ExitStack() as stack:
        note = None
        # Rows can be read where no note can be written.
        with contextlib.suppress(OSError, DataError):
            note = stack.enter_context(_note(note_id))
        if note is not None and note.file:
            raise reader_died(note.file)
        note_in(note)
        stack.callback(note_in, None)
        yield


@contextlib.contextmanager
def _note(note_id: str) -> Iterator[ReadingNote]:
    """Open the note, and remove its file at the end. Raises OSError and DataError if there can be none."""
    path = scratch_folder() / f"{note_id}.reading"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        # Fails if the earlier process is still alive, and only the connection to it was lost.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            file.truncate(SIZE)
            with mmap.mmap(file.fileno(), SIZE) as memory:
                yield ReadingNote(memory)
        finally:
            path.unlink(missing_ok=True)
