"""Runs that were trained here, and what Keras itself makes of the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seqjobs.data.read import read_dataset
from seqjobs.execution.in_process import InProcess
from seqjobs.planning.plan import make_plan
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.finished import kept_weights, stored_plan
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.progress import Silent
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_trial
from seqjobs.results.weights import WeightsStore
from seqjobs.run import run_job
from seqjobs.spec.load import parse_job
from seqjobs.training.outcome import PackRunner
from seqjobs.training.rows import Rows, validation_rows


@dataclass
class Finished:
    """A run of one trial, trained op by op, which for so little data takes less than compiling."""

    run: Run
    runner: PackRunner

    @classmethod
    def of(cls, text: str, folder: Path, root: Path, runner: PackRunner) -> Finished:
        plan = make_plan([parse_job(text, folder / "job.yaml", ("fit.compile=eager",))])
        return cls(run_job(plan, InProcess(start=lambda _: runner), RunPaths(root=root), Silent()), runner)

    @property
    def trial(self) -> StoredTrial:
        return find_trial(self.run, None)

    def start(self, _count: int) -> InProcess:
        """What `predict_rows` and `evaluate_rows` take."""
        return InProcess(start=lambda _: self.runner)

    @cached_property
    def validation(self) -> Rows:
        """The rows that it was validated on."""
        plan = stored_plan(self.run)
        found = validation_rows(plan.trials[0].spec, read_dataset(plan.datasets[0]))
        assert found is not None
        return found

    @cached_property
    def model(self) -> Any:
        """The exported model, as Keras opens it."""
        weights = WeightsStore(self.run.paths).load(kept_weights(self.run, self.trial))
        (trial,) = stored_plan(self.run).trials
        shape = self.run.manifest.datasets[0].feature_shape
        path = self.run.path / "exported.keras"
        path.write_bytes(self.runner.export(trial, shape, weights))
        import keras  # noqa: PLC0415 (imports TensorFlow)

        return keras.models.load_model(path)
