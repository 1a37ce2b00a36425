"""ReportBuffer: epoch reports that travel together, since sending one by itself costs more than a short epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import final

from seqjobs.training.outcome import EpochReport

MOST_SECONDS = 0.25
"""About the longest that a report waits for others: nobody who watches notices it."""


@final
class ReportBuffer:
    """The reports of one pack. Epochs are taken to last as long as the one before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reports: list[EpochReport] = []
        self._sent = self._last = clock()

    def add(self, report: EpochReport) -> bool:
        """Takes a report; whether all of them should be sent now: the next one would come too late for them."""
        now = self._clock()
        epoch_seconds, self._last = now - self._last, now
        self._reports.append(report)
        return now + epoch_seconds - self._sent > MOST_SECONDS

    def take(self) -> tuple[EpochReport, ...]:
        """The reports since the last time, to be sent now."""
        reports, self._reports = tuple(self._reports), []
        self._sent = self._clock()
        return reports
