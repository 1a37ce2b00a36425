"""Every stage once, with real Ray, real TensorFlow in its workers, real Parquet and real kills.

The command line runs in processes of its own; the other tests share one cluster.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqjobs import Run
from seqjobs.execution.events import AttemptEnded, AttemptLost, CheckpointTaken, EpochEnded, WorkerLost, WorkerStarted
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.results.run import RunStatus
from seqjobs.results.run_log import read_log
from seqjobs.store.local_store import LocalStore
from seqjobs.training.outcome import Cause, PackCheckpoint, TrialOutcome, Weights
from tests.conftest import JOBS, MakePlan
from tests.fixtures.command_line import start
from tests.fixtures.plans import plan_of, plan_of_texts
from tests.golden import data, references
from tests.golden.cases import CASES

pytestmark = pytest.mark.ray

Ends = dict[str, tuple[TrialOutcome, Weights]]


class Pool:
    """A RayPool of two workers, and the process of each."""

    def __init__(self, pool: RayPool) -> None:
        self.pool = pool
        self.pids: dict[str, int] = {}
        self._saved: dict[str, PackCheckpoint] = {}

    def run(self, plan: Plan, on_event: Callable[[Any], None] = lambda _: None) -> tuple[list[Any], Ends]:
        """Train a plan; return all events, and what became of each trial. `on_event` sees each event as it comes."""
        self.pool.load(plan.datasets)
        return self.run_loaded(plan, on_event)

    def run_loaded(self, plan: Plan, on_event: Callable[[Any], None] = lambda _: None) -> tuple[list[Any], Ends]:
        """Train a plan whose data is loaded."""
        self._saved.clear()
        events, ends = list[Any](), Ends()
        for event in self.pool.run(plan.packs, {}, self._saved.get):
            if isinstance(event, WorkerStarted):
                self.pids[event.worker] = event.pid
            elif isinstance(event, WorkerLost):
                self.pids.pop(event.worker, None)
            elif isinstance(event, CheckpointTaken):
                self._saved[event.pack_id] = event.checkpoint
            elif isinstance(event, AttemptEnded):
                ends.update((one.outcome.trial_id, (one.outcome, one.fetch_weights())) for one in event.members)
            on_event(event)
            events.append(event)
        return events, ends


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with RayPool({Resources(): 1000}, workers=2) as entered:
        yield Pool(entered)


def test_workers_train_to_the_numbers_of_stock_keras(pool: Pool, tmp_path: Path) -> None:
    data.write(tmp_path)
    name = "binary with validation data"
    plan = plan_of_texts(tmp_path, f"name: golden\n{CASES[name].spec}")
    _, ends = pool.run(plan)
    ((outcome, weights),) = ends.values()
    assert outcome.failure is None
    references.assert_near(references.load()[name], outcome.history, weights)


def test_one_task_decodes_the_data_for_all_workers(
    pool: Pool, make_points_plan: MakePlan, points: Path, tmp_path: Path
) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.parquet").write_bytes((points / f"{name}.parquet").read_bytes())
    plan = make_points_plan(
        f"data.train={tmp_path}/train.parquet",
        f"data.validation={tmp_path}/test.parquet",
        "fit.batch_size={choice: [16, 24, 32, 48]}",
        "search.sampler=grid",
        "fit.epochs=2",
    )
    pool.pool.load(plan.datasets)
    # From here on no process can read the files again.
    (tmp_path / "train.parquet").unlink()
    (tmp_path / "test.parquet").unlink()
    events, ends = pool.run_loaded(plan)
    assert [outcome.failure for outcome, _ in ends.values()] == [None] * 4
    assert len({event.worker for event in events if isinstance(event, AttemptEnded)}) == 2


def test_a_trial_whose_worker_is_killed_resumes_with_the_same_bits(pool: Pool, make_points_plan: MakePlan) -> None:
    plan = make_points_plan("fit.epochs=2000", "limits.checkpoint=0.1")
    killed: list[str] = []
    epochs: list[int] = []

    def kill_once(event: Any) -> None:
        if isinstance(event, CheckpointTaken) and not killed:
            killed.append(event.worker)
            os.kill(pool.pids[event.worker], signal.SIGKILL)
        if isinstance(event, EpochEnded) and event.attempt == 2:
            epochs.append(event.reports[0].epoch)

    events, ends = pool.run(plan, kill_once)
    (lost,) = [event for event in events if isinstance(event, AttemptLost)]
    assert lost.failure.cause is Cause.CRASH
    assert not lost.final
    assert len([event for event in events if isinstance(event, WorkerLost)]) == 1
    assert epochs[0] > 0
    _, undisturbed = pool.run(plan)
    ((outcome, weights),), ((expected, expected_weights),) = ends.values(), undisturbed.values()
    assert outcome.failure is None
    assert outcome.history == expected.history
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(weights, expected_weights, strict=True))


def test_a_process_without_the_token_cannot_enter_the_cluster(pool: Pool) -> None:
    assert pool is not None
    import ray  # noqa: PLC0415

    address = ray.get_runtime_context().gcs_address
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_AUTH")}
    code = f"import ray; ray.init(address={address!r}, logging_level='CRITICAL'); print(ray.cluster_resources())"
    stranger = {**environment, "RAY_AUTH_MODE": "token", "HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", code], env=stranger, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "CPU" not in done.stdout


# --- the command line, on the data of jobs/quickstart.yaml ------------------------------------------------------------

OPEN = """
import sys, keras, numpy as np, pyarrow.csv as csv, pyarrow.parquet as pq
pixels = np.stack(pq.read_table(sys.argv[1])["image"].to_numpy()).astype("float32") / 16
outputs = keras.models.load_model("model.keras").predict(pixels, verbose=0)
table = csv.read_csv("predictions.csv")
found = np.stack([table[f"probability_{digit}"].to_numpy() for digit in range(10)], axis=1)
assert np.abs(outputs - found).max() < 1e-6
assert (table["prediction"].to_numpy() == outputs.argmax(axis=1)).all()
assert "seqjobs" not in sys.modules
"""

SPEC = JOBS / "quickstart.yaml"
# Trials by themselves, which have the same bits whatever else their worker trains.
OVERRIDES = ("search.trials=5", "fit.epochs=4", "fit.pack=1")
SHORT = tuple(word for override in OVERRIDES for word in ("-S", override))
TEST_ROWS = JOBS / "data" / "digits" / "test.parquet"


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs `seqjobs` in a folder, with no cluster of the user's."""

    folder: Path

    @property
    def root(self) -> Path:
        """The run's folder."""
        return self.folder / "runs" / "digits"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return start(*arguments, folder=self.folder, variables={"XDG_STATE_HOME": str(self.folder / "state")})

    def run(self, *arguments: str) -> str:
        """Return what a command that ends well writes to its standard output."""
        process = self.start(*arguments)
        out, err = process.communicate()
        assert process.returncode == 0, err
        return out

    def finished(self) -> list[str]:
        """Return the trials that are committed as finished, in order."""
        records, _ = read_log(LocalStore(self.root))
        return [record["trial"] for record in records if record["type"] == "trial-finished"]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(folder=tmp_path_factory.mktemp("shell"))


@pytest.fixture(scope="module")
def before(shell: Shell) -> list[str]:
    """The trials that had finished when `submit` was killed; then the same command has finished the run."""
    # One worker, so that other packs are left when the first one has ended.
    command = ("submit", str(SPEC), *SHORT, "--run", "digits", "--workers", "1", "-o", "json")
    process = shell.start(*command)
    while not (shell.root.exists() and shell.finished()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    finished = shell.finished()
    assert Run.open(shell.root).status is RunStatus.INTERRUPTED
    summary = json.loads(shell.run(*command))
    assert (summary["status"], summary["trials"]["finished"]) == ("finished", 5)
    return finished


def test_validate_and_plan_say_what_would_run(shell: Shell) -> None:
    assert "quickstart" in shell.run("validate", str(SPEC))
    plan = json.loads(shell.run("plan", str(SPEC), *SHORT, "-o", "json"))
    assert plan["trials"]["total"] == 5


def test_the_same_submit_resumes_a_run_whose_driver_was_killed(shell: Shell, before: list[str], pool: Pool) -> None:
    records, _ = read_log(LocalStore(shell.root))
    plan = plan_of(SPEC, *OVERRIDES)
    pack_of = {trial.id: pack.id for pack in plan.packs for trial in pack.trials}
    starts = [record["pack"] for record in records if record["type"] == "attempt-started"]
    assert all(starts.count(pack_of[trial]) == 1 for trial in before)
    assert sorted(shell.finished()) == sorted(trial.id for trial in plan.trials)
    # Every trial has the bits of one that nothing disturbed.
    _, ends = pool.run(plan)
    records_of_trials = Run.open(shell.root).records
    assert set(ends) == set(records_of_trials)
    for trial, (outcome, _) in ends.items():
        assert records_of_trials[trial].history == outcome.history


@pytest.mark.usefixtures("before")
def test_results_rank_the_trials(shell: Shell) -> None:
    rows = list(csv.DictReader(shell.run("results", "digits", "-o", "csv").splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5"]
    values = [float(row["value"]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8


@pytest.mark.usefixtures("before")
def test_the_best_model_predicts_evaluates_and_opens_in_keras(shell: Shell) -> None:
    shell.run("predict", "digits", str(TEST_ROWS), "--out", "predictions.csv")
    best = Run.open(shell.root).best
    assert best is not None
    assert best.value is not None
    evaluation = json.loads(shell.run("evaluate", "digits", str(TEST_ROWS), "-o", "json"))
    assert evaluation["metrics"]["accuracy"] == pytest.approx(best.value, abs=1e-6)
    shell.run("export", "digits", "--out", "model.keras")
    subprocess.run([sys.executable, "-c", OPEN, str(TEST_ROWS)], cwd=shell.folder, check=True)
