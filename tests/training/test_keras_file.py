"""The same trial gives the same `.keras` file, byte by byte: in another process, in another run, after a resume."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import pytest

from seqjobs import Run, plan_jobs, run_job
from seqjobs.execution.events import EpochEnded
from seqjobs.execution.in_process import InProcess
from seqjobs.export import export_with_preprocessing
from seqjobs.jobspec.load import load_job
from seqjobs.results.progress import Progress, Silent
from seqjobs.results.weights import WeightsStore
from seqjobs.store.local_store import LocalStore
from seqjobs.training.outcome import PackRunner
from tests.conftest import ROOT
from tests.fixtures.runs import moved_points, stop_after

pytestmark = pytest.mark.slow

HEAD = """
name: {name}
data: {{train: train.parquet, validation: test.parquet, features: {features}, target: yes}}
model: [{model}, {{Dense: {{units: 1, activation: sigmoid}}}}]
compile: {{optimizer: {optimizer}, loss: binary_crossentropy, metrics: [accuracy, auc], weighted_metrics: [mae]}}
fit: {{epochs: 3, batch_size: 64, compile: {compile}}}
limits: {{checkpoint: 0.001s}}
"""
DENSE = "{Dense: {units: 4, kernel_regularizer: {L2: {l2: 0.01}}}}"
JOBS = {
    # Objects that occur several times in a configuration, and layers whose names Keras counts.
    "dense": {
        "features": "[x0, x1, x2, x3, x4, x5]",
        "model": f"{DENSE}, BatchNormalization, {{Dropout: {{rate: 0.2}}}}, {DENSE}, LeakyReLU",
        "optimizer": "{Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 0.01, decay_steps: 9}}}}",
        "compile": "graph",
    },
    "recurrent": {
        "features": "[x0, x1, x2, x3]",
        "model": "{Reshape: {target_shape: [4, 1]}}, {Bidirectional: {layer: {LSTM: {units: 3}}}}",
        "optimizer": "rmsprop",
        "compile": "eager",
    },
    "prepared": {
        "features": "{word: one_hot, kind: index, x0: standardize, x1: [{bucketize: {quantiles: 4}}], x2: {hash: 9}}",
        "model": "{Dense: {units: 3}}",
        "optimizer": "sgd",
        "compile": "eager",
    },
}


def write_specs(folder: Path) -> list[Path]:
    paths = []
    for name, parts in JOBS.items():
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(HEAD.format(name=name, **parts))
    return paths


def train(folder: Path, root: Path, executor: InProcess, progress: Progress) -> Run:
    plan = plan_jobs([load_job(folder / f"{name}.yaml") for name in JOBS])
    return run_job(plan.table, executor, LocalStore(root), progress)


def files(run: Run, executor: InProcess) -> dict[str, bytes]:
    """The best models and, of each, the export with its preprocessing."""
    found = {path.name: path.read_bytes() for path in run.models}
    for name in JOBS:
        entry = run.best_of(name)
        assert entry is not None
        path = run.path / f"{name}-prepared.keras"
        export_with_preprocessing(run, run.trial(entry.trial), path, lambda _: executor)
        found[path.name] = path.read_bytes()
    return found


def digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def test_the_same_trial_gives_the_same_file(points: Path, tmp_path: Path, runner: PackRunner) -> None:
    moved_points(points, tmp_path)
    write_specs(tmp_path)
    command = [sys.executable, "-m", "tests.training.test_keras_file", str(tmp_path), str(tmp_path / "other")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        executor = InProcess(start=lambda _: runner)
        first = train(tmp_path, tmp_path / "first", executor, Silent())
        plain = files(first, executor)
        assert len(plain) == 1 + 2 * len(JOBS)
        # In a process that has built other models, and after a resume.
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, tmp_path / "second", executor, stop_after(2, EpochEnded))
        second = train(tmp_path, tmp_path / "second", executor, Silent())
        assert digests(files(second, executor)) == digests(plain)
        output, _ = process.communicate()
    assert process.returncode == 0
    assert dict(line.split() for line in output.splitlines() if line.endswith(tuple("0123456789abcdef"))) == digests(
        plain
    )
    for path, trial_id in first.models.items():
        stored = WeightsStore(first.store).load(str(first.records[trial_id].weights))
        found = keras.models.load_model(path).get_weights()
        assert all(np.array_equal(a, b) for a, b in zip(found, stored, strict=True))


def main() -> None:
    folder, root = map(Path, sys.argv[1:])
    executor = InProcess()
    for name, digest in digests(files(train(folder, root, executor, Silent()), executor)).items():
        print(name, digest)


if __name__ == "__main__":
    main()
