"""progress_for: the way of watching a run that suits where stderr goes."""

from __future__ import annotations

import os
from typing import TextIO

from seqjobs.cli.progress.line_progress import LineProgress
from seqjobs.cli.progress.live_view import LiveView
from seqjobs.cli.progress.tracker import Tracker
from seqjobs.results.progress import Progress


def progress_for(stream: TextIO, tracker: Tracker) -> Progress:
    """A view that redraws itself on a terminal that can, else a line a minute."""
    if stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb"):
        return LiveView(stream, tracker)
    return LineProgress(stream, tracker)
