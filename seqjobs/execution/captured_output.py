"""What a process prints while something runs, C++ libraries included."""

from __future__ import annotations

import os
import sys
import tempfile
from types import TracebackType
from typing import Self, final

MAX_BYTES = 256 * 1024


@final
class CapturedOutput:
    """Sends file descriptors 1 and 2 into a file of its own while it is entered; `text` is what came since `clear`."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the worker)
        self._saved: tuple[int, int] | None = None

    def clear(self) -> None:
        """Forgets what came so far."""
        self._file.seek(0)
        self._file.truncate()

    def __enter__(self) -> Self:
        _flush()
        self._saved = (os.dup(1), os.dup(2))
        os.dup2(self._file.fileno(), 1)
        os.dup2(self._file.fileno(), 2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _flush()
        if self._saved is not None:
            for descriptor, saved in zip((1, 2), self._saved, strict=True):
                os.dup2(saved, descriptor)
                os.close(saved)
            self._saved = None

    def text(self) -> str:
        """The last MAX_BYTES of what was printed."""
        _flush()
        size = os.fstat(self._file.fileno()).st_size
        start = max(0, size - MAX_BYTES)
        return os.pread(self._file.fileno(), size - start, start).decode("utf-8", errors="replace")


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
