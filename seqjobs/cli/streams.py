"""Standard streams whose other end may go away: a closed terminal or pipe is no reason to lose a run."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO, cast, final

STANDARD = ("stdin", "stdout", "stderr")


def open_missing() -> None:
    """Opens onto nothing what was closed as the process began (`>&-`): a file would get its number, and the output."""
    for descriptor, name in enumerate(STANDARD):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            continue
        os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w", closefd=False))


def let_go(stream: TextIO) -> None:
    """Nobody reads it any more: what is written to it, and what it holds still, goes nowhere from now on."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@final
class LastingStream:
    """A text stream that lets go of its other end, once that is gone, instead of raising."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @classmethod
    def of(cls, stream: TextIO) -> TextIO:
        return cast(TextIO, cls(stream))

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        let_go(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            let_go(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
