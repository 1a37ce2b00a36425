"""progress_for: the way to watch a run that suits where stderr goes."""

from __future__ import annotations

import os
from typing import Protocol, TextIO

from seqjobs.cli.progress.line_progress import LineProgress
from seqjobs.cli.progress.live_view import LiveView
from seqjobs.cli.progress.tracker import Tracker
from seqjobs.results.progress import Progress


class RunView(Progress, Protocol):
    """A Progress that a person reads."""

    def notice(self, text: str) -> None:
        """Show a line from now on. Signal handlers call this: it takes no lock and does not use the stream's buffer."""


def progress_for(stream: TextIO, tracker: Tracker) -> RunView:
    """Return a view that redraws itself if the stream is a capable terminal, else one that prints a line a minute."""
    if stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb"):
        return LiveView(stream, tracker)
    return LineProgress(stream, tracker)
