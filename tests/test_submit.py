"""`seqjobs submit` as a person runs it: real Ray, real TensorFlow, the driver killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from seqjobs import Run, run_job
from seqjobs.execution.in_process import InProcess
from seqjobs.results.progress import Silent
from seqjobs.results.run import RunStatus
from seqjobs.results.run_log import read_log
from seqjobs.results.weights import WeightsStore
from seqjobs.store.local_store import LocalStore
from tests.conftest import POINTS_SPEC
from tests.fixtures.command_line import start
from tests.fixtures.files import write_spec
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import paths_of

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SEARCH = """
search: {trials: 6}
objective: {metric: val_loss, direction: minimize}
keep: {best: 2}
"""


@pytest.fixture(scope="module")
def spec(points: Path) -> Path:
    """Six trials of a few seconds each, two architectures."""
    text = POINTS_SPEC.replace("units: 8", "units: {choice: [8, 12]}").replace("epochs: 3", "epochs: 30")
    text = text.replace("learning_rate: 0.01", "learning_rate: {log_uniform: [1e-3, 1e-1]}") + SEARCH
    return write_spec(points, text, "search.yaml")


def misleading(folder: Path) -> dict[str, str]:
    """An environment that leads to another cluster, another Keras and code of its own, to whom it may concern."""
    (folder / "keras").mkdir(parents=True, exist_ok=True)
    (folder / "keras" / "keras.json").write_text('{"floatx": "float16", "epsilon": 0.5, "backend": "jax"}')
    (folder / "startup.py").write_text(f"open({str(folder / 'started')!r}, 'w')")
    return {
        "RAY_ADDRESS": "127.0.0.1:1",
        "KERAS_BACKEND": "torch",
        "KERAS_HOME": str(folder / "keras"),
        "KERAS_MAX_EPOCHS": "1",
        "PYTHONSTARTUP": str(folder / "startup.py"),
    }


def submit(spec: Path, runs_dir: Path, run: str, workers: int = 2, /, **variables: str) -> subprocess.Popen[str]:
    options = ["--runs-dir", str(runs_dir), "--run", run, "--workers", str(workers), "-o", "json"]
    return start("submit", str(spec), *options, variables=variables)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def finished(root: Path) -> list[str]:
    records, _ = read_log(LocalStore(root))
    return [record["trial"] for record in records if record["type"] == "trial-finished"]


def test_a_run_whose_driver_is_killed_goes_on_and_ends_as_if_nothing_had_happened(
    spec: Path, tmp_path: Path, runner: object
) -> None:
    assert runner is not None
    root = tmp_path / "runs" / "killed"
    # One worker, or the second pack may end with the first.
    first = submit(spec, tmp_path / "runs", "killed", 1, **misleading(tmp_path / "home"))
    wait_until(lambda: len(finished(root)) >= 2, first)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    before = finished(root)
    assert 2 <= len(before) < 6
    assert Run.open(root).status is RunStatus.INTERRUPTED

    second = submit(spec, tmp_path / "runs", "killed", **misleading(tmp_path / "home"))
    out, err = second.communicate()
    assert second.returncode == 0, err
    summary: dict[str, Any] = json.loads(out)
    assert summary["run"] == "killed"
    assert summary["status"] == "finished"
    assert summary["trials"]["finished"] == 6

    # Nothing that was committed ran again.
    records, _ = read_log(LocalStore(root))
    run = Run.open(root)
    pack_of = {trial.id: pack.id for pack in plan_of(spec).packs for trial in pack.trials}
    starts = [record["pack"] for record in records if record["type"] == "attempt-started"]
    assert all(starts.count(pack_of[trial]) == 1 for trial in before)
    assert sorted(finished(root)) == sorted(pack_of)

    # And everything is equal, bit for bit, to the same jobs trained one after another in this process.
    plan = plan_of(spec)
    calm = run_job(plan.table, InProcess(), LocalStore(tmp_path / "calm"), Silent())
    assert calm.leaderboard.best is not None
    assert summary["best"]["trial"] == calm.leaderboard.best.trial
    assert run.histories().equals(calm.histories())
    columns = ["rank", "trial", "value", "weights"]
    assert run.trial_table().select(columns).equals(calm.trial_table().select(columns))
    kept = [record.weights for record in run.records.values() if record.weights]
    on_disk = sorted(path.name for path in paths_of(run).weights.iterdir())
    assert on_disk == sorted(path.name for path in paths_of(calm).weights.iterdir())
    assert len(on_disk) == 2

    # Nothing of what the environment asked for was done.
    assert not (tmp_path / "home" / "started").exists()

    # The model in the folder is the best trial's, and opens by itself.
    model = keras.models.load_model(paths_of(run).best)
    best = run.records[summary["best"]["trial"]].weights
    assert best in kept
    stored = WeightsStore(run.store).load(str(best))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), stored, strict=True))


def test_a_model_that_no_check_but_a_worker_can_refuse_stops_the_run_before_any_trial(
    points: Path, tmp_path: Path
) -> None:
    # One class is missing from the training rows' numbers only once they are read: 4 kinds, 3 outputs.
    text = POINTS_SPEC.replace("target: yes", "target: kind").replace("units: 1, activation: sigmoid", "units: 3")
    text = text.replace("binary_crossentropy", "{SparseCategoricalCrossentropy: {from_logits: true}}")
    path = write_spec(points, text, "narrow.yaml")
    process = submit(path, tmp_path, "narrow", 1)
    out, err = process.communicate()
    assert process.returncode == 2
    assert f"{path}:" in err
    assert "[E309]" in err
    assert "4 classes" in err
    assert out == ""
    assert not (tmp_path / "narrow" / "run.json").exists()
