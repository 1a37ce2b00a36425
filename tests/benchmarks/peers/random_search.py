"""KerasTuner's RandomSearch over the learning rate."""

from __future__ import annotations

import tempfile
from typing import Any

import keras
import keras_tuner

from tests.benchmarks.peers._base import fit_arguments, read_work, report
from tests.benchmarks.timing import Timing, process_seconds


class TimedSearch(keras_tuner.RandomSearch):  # type: ignore[misc]
    """Notes when each trial ended."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ends: list[float] = []

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        self.ends.append(process_seconds())


def main() -> None:
    work = read_work()

    def build(hyperparameters: Any) -> Any:
        rate = hyperparameters.Float("learning_rate", 1e-4, 1e-2, sampling="log")
        return work.workload.build(keras, rate)

    with tempfile.TemporaryDirectory() as folder:
        search = TimedSearch(build, objective="val_loss", max_trials=work.trials, directory=folder, seed=0)
        search.search(**fit_arguments(work.workload, work.rows()))
    report(Timing.of(search.ends))


if __name__ == "__main__":
    main()
