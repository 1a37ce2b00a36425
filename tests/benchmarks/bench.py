"""Bench: what is to be measured, how often, and where the rows lie meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.rows import write_rows
from tests.benchmarks.workloads import WORKLOADS, Workload

QUICK_ROWS = 256


@dataclass(frozen=True, kw_only=True)
class Bench:
    """`rows` and `trials` take the place of the workloads' own numbers; `quick` is to see that everything works."""

    names: tuple[str, ...]
    folder: Path
    repeats: int
    quick: bool = False
    trials: int | None = None
    rows: int | None = None
    all_peers: bool = False

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return tuple(self.workload(name) for name in self.names)

    @property
    def runs(self) -> int:
        """How often a process carries out a run of seqjobs."""
        return 1 if self.quick else 3

    @property
    def workers_again(self) -> int:
        """Ray workers of what is measured behind a first run on two: a quick try has seen two by then."""
        return 1 if self.quick else 2

    def workload(self, name: str) -> Workload:
        """The workload, with the sizes that were asked for."""
        workload = WORKLOADS[name]
        rows = self.rows or (min(QUICK_ROWS, workload.rows) if self.quick else None)
        if rows is not None:
            validation_rows = max(rows // 8, 1) if workload.validation_rows else 0
            workload = replace(workload, rows=rows, validation_rows=validation_rows)
        if self.quick:
            workload = replace(workload, epochs=2, trials=8, peer_trials=2)
        if self.trials is not None:
            peer_trials = min(self.trials, workload.peer_trials)
            workload = replace(workload, trials=self.trials, peer_trials=peer_trials)
        return workload

    def data_of(self, name: str) -> Path:
        """The folder with the workload's spec and rows, which are written when they are first asked for."""
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir()
            write_rows(self.workload(name), folder)
        return folder
