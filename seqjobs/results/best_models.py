"""Which models are written as `.keras` files, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.leaderboard import Leaderboard
from seqjobs.results.record import TrialRecord


def best_models(
    boards: Sequence[Leaderboard], num_jobs: int, records: Mapping[str, TrialRecord], paths: RunPaths
) -> dict[Path, str]:
    """File -> trial id: the best of the first objective, and where there are several jobs the best of each."""
    wanted: dict[Path, str] = {}
    first = boards[0].best
    if first is not None:
        wanted[paths.best] = first.trial
    if num_jobs > 1:
        for entry in (entry for board in boards for entry in board.entries if entry.rank is not None):
            wanted.setdefault(paths.best_of(entry.job), entry.trial)
    return {path: trial for path, trial in wanted.items() if records[trial].weights is not None}
