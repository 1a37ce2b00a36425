"""TrialLog: what a trial prints."""

from __future__ import annotations

from seqjobs.planning.trial import Trial
from seqjobs.training.outcome import EpochReport


class TrialLog:
    """A line about the trial, then one an epoch."""

    def __init__(self, trial: Trial) -> None:
        values = ", ".join(f"{key}={value}" for key, value in trial.hyperparameters.items())
        self._lines = [f"trial {trial.id} of job {trial.job}, seed {trial.seed}" + (f": {values}" if values else "")]
        self._epochs = trial.spec.fit.epochs

    def add(self, report: EpochReport) -> None:
        values = "  ".join(f"{name} {numbers[0]:.5g}" for name, numbers in report.metrics.items())
        self._lines.append(f"epoch {report.epoch + 1}/{self._epochs}  {values}")

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"
