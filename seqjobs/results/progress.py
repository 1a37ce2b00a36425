"""Progress: what watches a run while it happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from seqjobs.execution.events import Event
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.results.leaderboard import Leaderboard, rank_jobs
from seqjobs.results.record import TrialRecord


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A run at one moment. Only what is committed counts as finished or failed."""

    total: int
    finished: int
    failed: int
    resumed: int
    """How many of these were committed by an earlier submit."""
    records: Mapping[str, TrialRecord]
    plan: Plan
    packs: Mapping[str, Pack]
    """All that events may name: those of the plan, and what they were split into."""

    @cached_property
    def leaderboards(self) -> tuple[Leaderboard, ...]:
        """One for each objective, in the order of the jobs; ranked when first asked for."""
        objectives = {job.name: job.objective for job in self.plan.jobs}
        return rank_jobs(objectives, self.plan.trials, self.records)


class Progress(Protocol):
    """Is told what happens, in this order: stage and warning (any number), planned, then events, then closed."""

    def stage(self, text: str) -> None:
        """Something that takes a while begins: `starting Ray`, `reading data`."""

    def warning(self, text: str) -> None:
        """Something is suspicious, and keeps nothing from going on; a sentence without its full stop."""

    def planned(self, run_id: str, plan: Plan, standing: Standing) -> None:
        """The trials are about to start."""

    def event(self, event: Event, standing: Standing) -> None:
        """Something happened; called for every event, so it must be quick."""

    def close(self) -> None:
        """Nothing more will happen; leaves the terminal as it was."""


class Silent:
    """Watches without a word."""

    def stage(self, text: str) -> None: ...

    def warning(self, text: str) -> None: ...

    def planned(self, run_id: str, plan: Plan, standing: Standing) -> None: ...

    def event(self, event: Event, standing: Standing) -> None: ...

    def close(self) -> None: ...
