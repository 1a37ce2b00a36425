"""The names of everything in the store of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence

PLAN = "run.json"
"""The plan, created once; a store without it is not a run."""
LOG = "log"
"""The folder of the commit log's segments."""
WEIGHTS = "weights"
CHECKPOINTS = "checkpoints"
"""The folder of how far packs have come that are still trained."""
TRIAL_LOGS = "logs"
DAMAGED = "damaged"
"""The folder of what `seqjobs fsck --repair` set aside."""
LEADERBOARD = "leaderboard.csv"
TRIALS = "trials.parquet"
HISTORIES = "histories.parquet"
TABLES = (LEADERBOARD, TRIALS, HISTORIES)
BEST = "best.keras"
"""The best model of the run's first objective."""
BEST_OF_JOBS = "best"
"""The folder of each job's best model, written if a run has several jobs."""
# By the folder in which they are. A file that is being written has a name that begins with `.aside-`, in any folder.
_FILES = {
    "": r"run\.json|lock|leaderboard\.csv|trials\.parquet|histories\.parquet|best\.keras",
    LOG: r"[0-9]{8}\.jsonl",
    WEIGHTS: r"[0-9a-f]{64}\.npz",
    CHECKPOINTS: r".+\.checkpoint",
    TRIAL_LOGS: r".+\.log",
    BEST_OF_JOBS: r".+\.keras",
}
_ASIDE = r"\.aside-.+"
FOLDERS = (LOG, WEIGHTS, CHECKPOINTS, TRIAL_LOGS, DAMAGED, BEST_OF_JOBS)


def weights_name(digest: str) -> str:
    return f"{WEIGHTS}/{digest}.npz"


def checkpoint_name(pack_id: str) -> str:
    return f"{CHECKPOINTS}/{pack_id}.checkpoint"


def trial_log_name(trial_id: str) -> str:
    return f"{TRIAL_LOGS}/{trial_id}.log"


def best_model_name(job: str) -> str:
    return f"{BEST_OF_JOBS}/{job}.keras"


def is_name_in_run(parts: Sequence[str], *, is_folder: bool) -> bool:
    """Return whether a run has files or folders of this name; `parts` are those of its path in the run's folder."""
    folder, *inner = parts
    if folder == DAMAGED:
        return bool(inner) or is_folder
    if is_folder:
        return not inner and folder in _FILES
    parent = "/".join(parts[:-1])
    return parent in _FILES and re.fullmatch(f"{_FILES[parent]}|{_ASIDE}", parts[-1]) is not None
