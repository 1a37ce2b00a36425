"""runs_sheet: a row for each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from seqjobs.cli.views.numbers import shown_duration, shown_metric
from seqjobs.cli.views.printable import printable
from seqjobs.cli.views.sheet import Column, Sheet
from seqjobs.errors import SeqjobsError
from seqjobs.results.run import Run


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run, or why its folder cannot be read: one broken folder must not hide the others."""

    name: str
    run: Run | None
    problem: str = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        try:
            return cls(name=path.name, run=Run.open(path))
        except SeqjobsError as error:
            return cls(name=path.name, run=None, problem=error.code)

    @property
    def status(self) -> str:
        return str(self.run.status) if self.run else f"unreadable ({self.problem})"

    @property
    def trials(self) -> str:
        return f"{self.run.num_finished + self.run.num_failed:,}/{self.run.num_total:,}" if self.run else ""

    @property
    def best(self) -> str:
        if self.run is None or self.run.best is None:
            return ""
        metric = self.run.leaderboards[0].objective.metric
        return f"{printable(metric)} {shown_metric(self.run.best.value)}"


def runs_sheet(lines: Sequence[RunLine]) -> Sheet:
    """What tells runs apart; their ids first, since commands take them."""
    runs = [line.run for line in lines]
    created = tuple(run.created[:16].replace("T", " ") if run else "" for run in runs)
    jobs = tuple(printable(", ".join(job.name for job in run.jobs)) if run else "" for run in runs)
    failed = tuple(f"{run.num_failed:,}" if run and run.num_failed else "" for run in runs)
    return Sheet(
        columns=(
            Column(title="run", cells=tuple(printable(line.name) for line in lines)),
            Column(title="status", cells=tuple(line.status for line in lines)),
            Column(title="trials", cells=tuple(line.trials for line in lines), right=True),
            Column(title="failed", cells=failed, right=True),
            Column(title="best", cells=tuple(line.best for line in lines)),
            Column(title="created (UTC)", cells=created, optional=True),
            Column(
                title="time",
                cells=tuple(shown_duration(run.seconds) if run else "" for run in runs),
                right=True,
                optional=True,
            ),
            Column(title="jobs", cells=jobs, optional=True),
        )
    )
