"""Stopwatch: a Progress that notes when trials end."""

from __future__ import annotations

import time
from typing import final

from seqjobs.execution.events import AttemptEnded, Event
from seqjobs.planning.plan import Plan
from seqjobs.results.progress import Standing


@final
class Stopwatch:
    """Watches one run. Workers are warm when its trials begin."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._began = self._committed = time.perf_counter()
        self._first_end: float | None = None
        self._first_wave: float | None = None
        self._busy: set[str] = set()
        self._waits = True
        self._ended = self._started_with = self._total = 0
        self._compiled: set[str] = set()

    def stage(self, text: str) -> None:  # noqa: ARG002
        """The stage behind the trials begins when all of them are committed."""
        self._committed = time.perf_counter()

    def warning(self, text: str) -> None: ...

    def planned(self, run_id: str, plan: Plan, standing: Standing) -> None:  # noqa: ARG002
        self._total = len(plan.trials)
        self._began = time.perf_counter()

    def event(self, event: Event, standing: Standing) -> None:  # noqa: ARG002
        if not isinstance(event, AttemptEnded):
            return
        now = time.perf_counter()
        self._first_end = self._first_end or now
        self._ended += len(event.members)
        self._busy.add(event.worker)
        self._compiled.update(member.outcome.compiled for member in event.members)
        if self._first_wave is None or (self._waits and len(self._busy) == self._workers and self._ended < self._total):
            self._first_wave, self._started_with = now, self._ended
            self._waits = len(self._busy) < self._workers

    def close(self) -> None: ...

    @property
    def began(self) -> float:
        """When the trials began, on the clock of `time.perf_counter`."""
        return self._began

    @property
    def first_end(self) -> float:
        """When the first trial ended, on the same clock."""
        return self._first_end or self._began

    @property
    def compiled(self) -> str:
        """How the trials' steps were carried out."""
        return ", ".join(sorted(self._compiled))

    @property
    def seconds_per_trial(self) -> float:
        """From the first pack of every worker until all trials are committed, divided by the trials in between.

        A worker that came too late for that does not count.
        """
        if self._first_wave is None or self._ended == self._started_with:
            raise RuntimeError(f"{self._ended} trials are too few for {self._workers} workers")
        return (self._committed - self._first_wave) / (self._ended - self._started_with)
