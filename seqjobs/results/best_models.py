"""Which models are written as `.keras` files, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqjobs.results.leaderboard import Leaderboard
from seqjobs.results.record import TrialRecord
from seqjobs.results.run_names import BEST, best_model_name


def best_models(boards: Sequence[Leaderboard], num_jobs: int, records: Mapping[str, TrialRecord]) -> dict[str, str]:
    """Return name -> trial ID: the best of the first objective, and of each job if there are several."""
    wanted: dict[str, str] = {}
    first = boards[0].best
    if first is not None:
        wanted[BEST] = first.trial
    if num_jobs > 1:
        for entry in (entry for board in boards for entry in board.entries if entry.rank is not None):
            wanted.setdefault(best_model_name(entry.job), entry.trial)
    return {name: trial for name, trial in wanted.items() if records[trial].weights is not None}
