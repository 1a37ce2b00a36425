"""results_console: stdout, for tables."""

from __future__ import annotations

import errno
import os
import sys
from typing import final

from rich.console import Console

# A table that goes to a file or another program is not cut to the width of a terminal that is not there.
NO_LIMIT = 10_000


@final
class _ResultsConsole(Console):
    """One that lets its user decide what follows when nobody reads stdout: rich itself leaves with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def results_console() -> Console:
    """Colours on a terminal only and not with NO_COLOR; as wide as the terminal, or as COLUMNS says."""
    limited = sys.stdout.isatty() or "COLUMNS" in os.environ
    return _ResultsConsole(
        file=sys.stdout, width=None if limited else NO_LIMIT, highlight=False, markup=False, emoji=False
    )
