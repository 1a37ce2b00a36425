"""TrialRecord: what is known for good of a trial, as the commit log has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from seqjobs.training.outcome import Failure, History
from seqjobs.training.pack_history import MemberHistory


class TrialStatus(StrEnum):
    """How a trial ended, for good."""

    FINISHED = "finished"
    """It has a history and a place on the leaderboard."""
    FAILED = "failed"
    """It is given up; the failure says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord:
    """The committed end of a trial. `value` is the objective's metric at `weights_epoch`, None where it failed."""

    trial_id: str
    status: TrialStatus
    attempt: int
    value: float | None
    history: History
    weights_epoch: int
    seconds: float
    weights: str | None = None
    """The digest that names its weights' file; None where they were not among the best."""
    failure: Failure | None = None
    compiled: str = ""
    """How its steps were carried out: xla, graph, eager or stock; empty where a log from before has no word of it."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Every metric at `weights_epoch`, in the order of the history; empty for a failed trial."""
        if self.status is TrialStatus.FAILED or self.weights_epoch < 0:
            return {}
        at = self.weights_epoch
        return {name: values[at] for name, values in self.history.items() if at < len(values)}

    @property
    def epochs(self) -> int:
        if isinstance(self.history, MemberHistory):
            return self.history.epochs if self.history else 0
        return max((len(values) for values in self.history.values()), default=0)
