"""unforeseen: turn unexpected errors into one that says what was being done, and where."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

from seqjobs.errors import SeqjobsError, UnforeseenError
from seqjobs.errors.printable import printable

MAX_MESSAGE_LENGTH = 300

# What the machine lacks, and what has a message of its own, is no bug.
FORESEEN = (SeqjobsError, OSError, MemoryError)


@contextlib.contextmanager
def unforeseen(doing: str, where: str = "") -> Iterator[None]:
    """Within it, errors that are bugs become UnforeseenErrors.

    Args:
        doing: What is being done, after "while", for example `column 'x' was prepared`.
        where: The file whose rows are at hand.

    Raises:
        UnforeseenError: E529 for every Exception but those of seqjobs, of the operating system and of memory.
    """
    try:
        yield
    except FORESEEN:
        raise
    except Exception as error:
        raise bug_of(error, doing, where) from error


def bug_of(error: BaseException, doing: str, where: str = "", *, trace: str = "") -> UnforeseenError:
    """Return the error E529. `trace` is the traceback of an error that was raised in another process."""
    lines = str(error).strip().splitlines() or [""]
    message = printable(f"{type(error).__name__}: {lines[0]}".rstrip(": "))[:MAX_MESSAGE_LENGTH]
    found = trace or "".join(traceback.format_exception(error))
    return UnforeseenError(f"this is a bug in seqjobs: {message}, while {doing}", where=printable(where), trace=found)
