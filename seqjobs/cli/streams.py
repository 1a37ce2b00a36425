"""Standard streams whose reader may go away: a closed terminal or pipe is no reason to lose a run."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO, cast, final

STANDARD = ("stdin", "stdout", "stderr")
SHOW_CURSOR = "\x1b[?25h\r\n"


def open_missing() -> None:
    """Open the null device for streams that were closed at the start (`>&-`): a file would get their number."""
    for descriptor, name in enumerate(STANDARD):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            continue
        os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w", closefd=False))


def detach(stream: TextIO) -> None:
    """Discard what the stream holds and what is written to it from now on: nobody reads it any more."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say_now(text: str, *, ends_drawing: bool = False) -> None:
    """Write a line to stderr past the stream's buffer, which the interrupted code may be writing to.

    With `ends_drawing`, the line begins below what is drawn on a terminal, and the cursor is visible again.
    """
    is_drawn = ends_drawing and os.isatty(2) and os.environ.get("TERM", "") not in ("", "dumb")
    with contextlib.suppress(OSError):
        os.write(2, f"{SHOW_CURSOR if is_drawn else ''}{text}\n".encode(errors="replace"))


@final
class DurableStream:
    """A text stream that discards what is written once its reader is gone, instead of raising."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @classmethod
    def of(cls, stream: TextIO) -> TextIO:
        return cast(TextIO, cls(stream))

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        detach(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            detach(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
