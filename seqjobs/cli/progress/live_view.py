"""LiveView: a run watched on a terminal, redrawn a few times a second whatever happens in it."""

from __future__ import annotations

from threading import Lock
from typing import TextIO, final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from seqjobs.cli.progress.line_progress import end_line, start_line
from seqjobs.cli.progress.live_frame import Frame, live_frame
from seqjobs.cli.progress.tracker import Tracker
from seqjobs.cli.views.printable import printable
from seqjobs.execution.events import Event
from seqjobs.planning.plan import Plan
from seqjobs.results.progress import Standing

REDRAWS_PER_SECOND = 5


@final
class LiveView:
    """Events only change the tracker; a thread of rich draws what it holds, so their rate costs nothing here.

    At the end the drawing is taken away and one line is left of it.
    """

    def __init__(self, stream: TextIO, tracker: Tracker) -> None:
        self._tracker = tracker
        self._lock = Lock()
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=REDRAWS_PER_SECOND,
            transient=True,
            vertical_overflow="crop",
        )
        self._open = True

    def stage(self, text: str) -> None:
        with self._lock:
            self._tracker.begin_stage(text)
        if not self._live.is_started:
            self._live.start()

    def warning(self, text: str) -> None:
        self._console.print(Text(f"warning: {printable(text)}", style="yellow"), soft_wrap=True)

    def planned(self, run_id: str, plan: Plan, standing: Standing) -> None:
        with self._lock:
            self._tracker.begin(run_id, plan, standing)
        self._console.print(Text(start_line(run_id, plan, standing)), soft_wrap=True)
        if not self._live.is_started:
            self._live.start()

    def event(self, event: Event, standing: Standing) -> None:
        with self._lock:
            self._tracker.event(event, standing)

    def close(self) -> None:
        self._live.stop()
        if self._open and self._tracker.has_trained:
            self._console.print(Text(end_line(self._tracker)), soft_wrap=True)
        self._open = False

    def _draw(self) -> Group:
        encoding = (self._console.encoding or "ascii").lower()
        size = self._console.size
        frame = Frame(width=size.width, height=size.height, ascii_only=not encoding.startswith("utf"))
        with self._lock:
            return Group(*live_frame(self._tracker, frame))
