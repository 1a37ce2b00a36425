"""What is written down of a trial as it trains. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.jobspec.job_spec import Assignment
from seqjobs.training.outcome import History


def trial_log(trial_id: str, job: str, seed: int, hyperparameters: Assignment, history: History) -> str:
    """A line about the trial, then one an epoch."""
    values = ", ".join(f"{key}={value}" for key, value in hyperparameters.items())
    first = f"trial {trial_id} of job {job}, seed {seed}" + (f": {values}" if values else "")
    return "\n".join([first, *_epochs(history)]) + "\n"


def _epochs(history: Mapping[str, tuple[float, ...]]) -> Iterator[str]:
    columns = {name: list(values) for name, values in history.items()}
    for epoch in range(max(map(len, columns.values()), default=0)):
        values = "  ".join(f"{name} {numbers[epoch]:.5g}" for name, numbers in columns.items() if epoch < len(numbers))
        yield f"epoch {epoch + 1}  {values}"
