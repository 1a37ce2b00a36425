"""What the peers share: their arguments, and one trial of plain Keras."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.rows import Rows, read_rows, read_workload
from tests.benchmarks.timing import Timing
from tests.benchmarks.workloads import Workload

Execution = tuple[int, bool] | None
"""(steps_per_execution, jit_compile); None for Keras's defaults."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a peer is asked to train."""

    workload: Workload
    folder: Path
    trials: int
    options: argparse.Namespace

    def rows(self) -> Rows:
        return read_rows(self.workload, self.folder)

    @property
    def learning_rates(self) -> Sequence[float]:
        """One a trial, from where the spec draws them."""
        return [float(rate) for rate in np.geomspace(1e-4, 1e-2, self.trials)]


def read_work(*flags: str) -> Work:
    """The work as it stands in the arguments of the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, required=True)
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args()
    workload = read_workload(options.folder)
    return Work(workload=workload, folder=options.folder, trials=options.trials, options=options)


def fit_arguments(workload: Workload, rows: Rows) -> dict[str, Any]:
    """The arguments of `fit`, the rows included."""
    arguments: dict[str, Any] = {"x": rows.features, "y": rows.targets, "verbose": 0}
    if rows.validation is not None:
        arguments["validation_data"] = rows.validation
    elif workload.validation_split:
        arguments["validation_split"] = workload.validation_split
    return {**arguments, "epochs": workload.epochs, "batch_size": workload.batch_size}


def train(workload: Workload, rows: Rows, *, learning_rate: float, seed: int, execution: Execution = None) -> float:
    """One trial from the beginning. Returns its last `val_loss`."""
    import keras  # noqa: PLC0415 (only once a peer has set its process up)

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = workload.build(keras, learning_rate)
    if execution is not None:
        model.steps_per_execution, model.jit_compile = execution
    history = model.fit(**fit_arguments(workload, rows)).history
    return float(history["val_loss"][-1])


def report(timing: Timing) -> None:
    """Prints what was measured as the last line of the process."""
    print(timing.model_dump_json(), flush=True)
