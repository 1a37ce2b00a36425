"""The benchmarks run. How fast anything is, is not tested."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from seqjobs import run_job
from seqjobs.execution.in_process import InProcess
from seqjobs.jobspec.load import load_job
from seqjobs.preview import plan_jobs
from seqjobs.store.local_store import LocalStore
from tests.benchmarks.parts import PARTS
from tests.benchmarks.parts._sides import PACKED
from tests.benchmarks.peers import KERAS_LOOP
from tests.benchmarks.report import rendered
from tests.benchmarks.rows import write_rows
from tests.benchmarks.stopwatch import Stopwatch
from tests.benchmarks.store import Store
from tests.benchmarks.test_report import assert_sane, few_rows
from tests.benchmarks.workloads import WORKLOADS
from tests.conftest import ROOT, MakePlan
from tests.fixtures.fake_runner import StartFake


@pytest.mark.long
@pytest.mark.timeout(900)
def test_everything_can_be_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr

    store = Store(folder=tmp_path)
    results = store.read()
    assert results is not None
    assert store.report.read_text() == rendered(results)
    assert done.stdout.strip() == rendered(results).strip()
    assert "its figures mean nothing" in done.stdout
    assert all(f"## {part.title}\n" in done.stdout for part in PARTS.values())
    assert set(results.dates) == set(PARTS)
    assert_sane(results)

    (speed,) = results.speed
    assert [side.name for side in speed.sides] == [PACKED, KERAS_LOOP, "seqjobs-singly", "seqjobs-one-core"]
    assert len(results.roofline) == len(results.histories) == 1
    assert results.memory is not None
    assert results.memory.trials == 40
    assert results.empty_trials["trials"] == 50
    assert results.durability["small_trials"] == 20
    assert results.reading["rows_mb"] > results.reading["memory_mb"]
    assert results.startup
    (sizes,) = results.pack_sizes
    assert sizes.places == (1, 4)
    assert store.picture.read_text().startswith("<svg")


@pytest.mark.slow
@pytest.mark.usefixtures("runner")
@pytest.mark.parametrize("name", WORKLOADS)
def test_peers_train_the_model_of_the_spec(name: str, tmp_path: Path) -> None:
    import keras  # noqa: PLC0415 (after the runner has set it up)

    from seqjobs.training.model import build_model  # noqa: PLC0415 (imports TensorFlow)

    workload = few_rows(name)
    write_rows(workload, tmp_path)
    plan = plan_jobs([load_job(tmp_path / "job.yaml", ("search.trials=1",))])
    trial = plan.trials[0]
    (rate,) = trial.hyperparameters.values()
    assert isinstance(rate, float)
    ours = build_model(trial.spec, workload.feature_shape, trial.seed)
    theirs = workload.build(keras, rate)

    def config(layer: Any) -> dict[str, Any]:
        return {key: value for key, value in layer.get_config().items() if key not in {"name", "seed"}}

    assert [type(layer) for layer in ours.layers] == [type(layer) for layer in theirs.layers]
    for one, other in zip(ours.layers, theirs.layers, strict=True):
        assert without_seeds(config(one)) == without_seeds(config(other))
    assert (trial.spec.fit.epochs, trial.spec.fit.batch_size) == (workload.epochs, workload.batch_size)
    assert trial.spec.fit.validation_split == workload.validation_split
    assert trial.spec.compile.optimizer.name == workload.optimizer == type(theirs.optimizer).__name__
    assert float(theirs.optimizer.learning_rate.numpy()) == pytest.approx(rate)
    assert trial.spec.compile.loss.name.lower() == theirs.loss.replace("_", "")


def without_seeds(value: Any) -> Any:
    """A layer's configuration but for the seeds of its initializers, which differ by layer, and names."""
    if isinstance(value, dict):
        return {key: without_seeds(item) for key, item in value.items() if key not in {"seed", "registered_name"}}
    return value


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2], ids=["all come", "one never comes"])
def test_a_stopwatch_divides_what_comes_behind_the_first_wave(
    workers: int, make_points_plan: MakePlan, tmp_path: Path
) -> None:
    plan = make_points_plan("search.repeats=5")
    stopwatch = Stopwatch(workers)
    run_job(plan.table, InProcess(start=StartFake(epoch_seconds=0.02)), LocalStore(tmp_path / "run"), stopwatch)
    # Three epochs a trial: no trial is counted that did not take its time, none twice.
    assert stopwatch.seconds_per_trial >= 0.06
    between = stopwatch.seconds_per_trial * (len(plan.trials) - 1)
    assert stopwatch.first_end - stopwatch.began >= 0.06
    assert between < time.perf_counter() - stopwatch.began
