"""OneCore: seqjobs in this process, on one core, with the rows of a workload."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqjobs.execution.events import AttemptEnded
from seqjobs.execution.in_process import InProcess
from seqjobs.jobspec.load import load_job
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.preview import plan_jobs
from seqjobs.training.outcome import TrialOutcome
from tests.benchmarks.workloads import Workload


@dataclass(frozen=True, kw_only=True)
class OneCore:
    """A workload, and an executor that is entered."""

    executor: InProcess
    workload: Workload
    folder: Path
    trials: int
    quick: bool = False
    """See Bench."""

    def plan(self, *overrides: str) -> Plan:
        """The plan as the speed is measured with: one trial at a time, with overrides; its data are loaded."""
        always = (f"search.trials={self.trials}", "fit.pack=off")
        plan = plan_jobs([load_job(self.folder / "job.yaml", (*always, *overrides))])
        self.executor.load(plan.datasets)
        return plan

    def train(self, pack: Pack) -> tuple[float, Sequence[TrialOutcome]]:
        """The seconds that a pack took, and its outcomes. Raises RuntimeError where a trial failed."""
        began = time.perf_counter()
        members = [
            member
            for event in self.executor.run([pack], {})
            if isinstance(event, AttemptEnded)
            for member in event.members
        ]
        seconds = time.perf_counter() - began
        for failure in (member.outcome.failure for member in members):
            if failure is not None:
                raise RuntimeError(failure.message)
        return seconds, [member.outcome for member in members]
