"""RunPaths: the names of everything in a run's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath

_DAMAGED = "damaged"
# By the folder in which they are. A file that is being written has a name that begins with `.aside-`, in any folder.
_FILES = {
    "": r"run\.json|lock|leaderboard\.csv|trials\.parquet|histories\.parquet|best\.keras",
    "log": r"[0-9]{8}\.jsonl",
    "weights": r"[0-9a-f]{64}\.npz",
    "checkpoints": r".+\.checkpoint",
    "logs": r".+\.log",
    "best": r".+\.keras",
}
_ASIDE = r"\.aside-.+"


@dataclass(frozen=True, kw_only=True)
class RunPaths:
    """Pure: knows where things lie, touches none of them."""

    root: Path

    @property
    def plan(self) -> Path:
        """The plan, created once; a folder without it is not a run."""
        return self.root / "run.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def log(self) -> Path:
        """The folder of the commit log's segments."""
        return self.root / "log"

    @property
    def weights(self) -> Path:
        return self.root / "weights"

    @property
    def checkpoints(self) -> Path:
        """The folder of how far packs have come that are still trained."""
        return self.root / "checkpoints"

    @property
    def trial_logs(self) -> Path:
        return self.root / "logs"

    @property
    def damaged(self) -> Path:
        """The folder of what `seqjobs fsck --repair` set aside."""
        return self.root / _DAMAGED

    @property
    def leaderboard(self) -> Path:
        return self.root / "leaderboard.csv"

    @property
    def trials(self) -> Path:
        return self.root / "trials.parquet"

    @property
    def histories(self) -> Path:
        return self.root / "histories.parquet"

    @property
    def best(self) -> Path:
        """The best model of the run's first objective."""
        return self.root / "best.keras"

    @property
    def best_of_jobs(self) -> Path:
        """The folder of each job's best model, written where a run has several jobs."""
        return self.root / "best"

    def weights_file(self, digest: str) -> Path:
        return self.weights / f"{digest}.npz"

    def checkpoint(self, pack_id: str) -> Path:
        return self.checkpoints / f"{pack_id}.checkpoint"

    def trial_log(self, trial_id: str) -> Path:
        return self.trial_logs / f"{trial_id}.log"

    def best_of(self, job: str) -> Path:
        return self.best_of_jobs / f"{job}.keras"


def is_name_in_run(path: PurePath, *, is_folder: bool) -> bool:
    """Return whether a run has files or folders of this name; the path is relative to the run's folder."""
    folder, *inner = path.parts
    if folder == _DAMAGED:
        return bool(inner) or is_folder
    if is_folder:
        return not inner and folder in _FILES
    parent = "/".join(path.parts[:-1])
    return parent in _FILES and re.fullmatch(f"{_FILES[parent]}|{_ASIDE}", path.name) is not None
