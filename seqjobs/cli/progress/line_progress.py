"""LineProgress: a run watched in a log: a line when something begins, a line a minute, and a line at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO, final

from seqjobs.cli.progress.tracker import Tracker
from seqjobs.cli.streams import say_now
from seqjobs.cli.views.formatting import counted, shown_duration, shown_estimate, shown_metric
from seqjobs.errors.printable import printable
from seqjobs.execution.events import Event
from seqjobs.planning.plan import Plan
from seqjobs.results.progress import Standing

LINE_SECONDS = 60.0


def time_of_day() -> str:
    return time.strftime("%H:%M")


@final
class LineProgress:
    """`12:03 34/120 trials, 1 failed, best val_accuracy 0.98210 (b3c1f2a901), about 4 min left`"""

    def __init__(
        self,
        stream: TextIO,
        tracker: Tracker,
        clock: Callable[[], float] = time.monotonic,
        time_of_day: Callable[[], str] = time_of_day,
    ) -> None:
        self._stream = stream
        self._tracker = tracker
        self._clock = clock
        self._time_of_day = time_of_day
        self._next_line = clock() + LINE_SECONDS
        self._open = True

    def stage(self, text: str) -> None:
        self._tracker.begin_stage(text)
        self._say(text)

    def warning(self, text: str) -> None:
        self._say(f"warning: {printable(text)}")

    def notice(self, text: str) -> None:
        say_now(text)

    def planned(self, run_id: str, plan: Plan, standing: Standing) -> None:
        self._tracker.begin(run_id, plan, standing)
        self._say(start_line(run_id, plan, standing))
        self._next_line = self._clock() + LINE_SECONDS

    def event(self, event: Event, standing: Standing) -> None:
        for note in self._tracker.event(event, standing):
            self._say(note)
        if self._clock() >= self._next_line:
            self._next_line = self._clock() + LINE_SECONDS
            self._say(status_line(self._tracker))

    def close(self) -> None:
        if self._open and self._tracker.has_trained:
            self._say(end_line(self._tracker))
        self._open = False

    def _say(self, text: str) -> None:
        # A full disk or a closed pipe is no reason to stop training.
        try:
            print(f"{self._time_of_day()} {text}", file=self._stream, flush=True)
        except OSError:
            self._next_line = float("inf")


def start_line(run_id: str, plan: Plan, standing: Standing) -> str:
    """`run 20260101-120000-mnist: 120 trials of 2 jobs, 34 of them already done`"""
    before = f", {standing.resumed:,} of them already done" if standing.resumed else ""
    return f"run {run_id}: {counted(standing.total, 'trial')} of {counted(len(plan.jobs), 'job')}{before}"


def status_line(tracker: Tracker) -> str:
    """Return the state of the run in one line."""
    standing = tracker.standing
    if standing is None:
        return tracker.stage
    parts = [f"{standing.finished + standing.failed:,}/{counted(standing.total, 'trial')}"]
    if standing.failed:
        parts.append(f"{standing.failed:,} failed")
    for objective, best in tracker.best.items():
        if best is not None:
            parts.append(f"best {objective.metric} {shown_metric(best.value)} ({best.trial.id})")
    left = tracker.seconds_left()
    if left is not None:
        parts.append(f"about {shown_estimate(left)} left")
    return ", ".join(parts)


def end_line(tracker: Tracker) -> str:
    """`120 of 120 trials done in 3 min 20 s: 118 finished, 2 failed`"""
    standing = tracker.standing
    if standing is None:
        return "nothing was trained"
    done = standing.finished + standing.failed
    counts = f"{standing.finished:,} finished, {standing.failed:,} failed"
    return f"{done:,} of {counted(standing.total, 'trial')} done in {shown_duration(tracker.seconds())}: {counts}"
