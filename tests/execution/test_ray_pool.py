"""RayPool with real Ray, real TensorFlow workers and real kills; one cluster for the whole module."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

from seqjobs.data.data_source import DataSource
from seqjobs.data.streamed.scratch import scratch_folder
from seqjobs.errors import ClusterError, DataError
from seqjobs.execution import memory_hint
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptsPlanned,
    AttemptStarted,
    CheckpointTaken,
    EpochEnded,
    WorkerLost,
    WorkerStarted,
)
from seqjobs.execution.executor import Saved, nothing_saved
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.ray_pool import RayPool
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.training.outcome import Cause, PackCheckpoint, TrialOutcome, Weights
from tests.conftest import POINTS_SPEC, MakePlan, MakeTable

pytestmark = [pytest.mark.ray, pytest.mark.slow]


# Long enough that a trial is under way still when its first epochs are told of.
LONG = "fit.epochs=500"

# Workers outlive a call of `run`, so the second call need not start any; a test is told of each only once.
STARTED: dict[str, WorkerStarted] = {}


@pytest.fixture(scope="module")
def pool() -> Iterator[RayPool]:
    """Two workers of one CPU each, warm over all tests of this module."""
    with RayPool({Resources(): 1000}, workers=2) as entered:
        yield entered


def note(events: list[Any]) -> None:
    for event in events:
        if isinstance(event, WorkerStarted):
            STARTED[event.worker] = event
        elif isinstance(event, WorkerLost):
            STARTED.pop(event.worker, None)


def outcomes(events: list[Any]) -> dict[str, TrialOutcome]:
    members = [member for event in events if isinstance(event, AttemptEnded) for member in event.members]
    return {member.outcome.trial_id: member.outcome for member in members}


def run(
    pool: RayPool, plan: Plan, on_event: Callable[[Any], None] = lambda _: None, saved: Saved = nothing_saved
) -> list[Any]:
    """All events; `on_event` sees each as it comes. Weights are fetched into the returned events' place."""
    pool.load(plan.datasets)
    events = []
    for event in pool.run(plan.packs, {}, saved):
        note([event])
        on_event(event)
        events.append(event)
    return events


def in_this_process(plan: Plan) -> dict[str, tuple[TrialOutcome, Weights]]:
    with InProcess() as executor:
        executor.load(plan.datasets)
        events = list(executor.run(plan.packs, {}))
    members = [member for event in events if isinstance(event, AttemptEnded) for member in event.members]
    return {member.outcome.trial_id: (member.outcome, member.fetch_weights()) for member in members}


def processes_with_tensorflow() -> set[int]:
    """Descendants of this process that have TensorFlow's library mapped."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        try:
            maps = Path(f"/proc/{process.pid}/maps").read_text()
        except OSError:
            continue
        if "libtensorflow_framework" in maps:
            found.add(process.pid)
    return found


def test_forty_trials_on_two_workers_import_tensorflow_twice_and_decode_the_data_once(
    pool: RayPool, make_points_plan: MakePlan, points: Path, tmp_path: Path
) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.parquet").write_bytes((points / f"{name}.parquet").read_bytes())
    plan = make_points_plan(
        f"data.train={tmp_path}/train.parquet",
        f"data.validation={tmp_path}/test.parquet",
        "compile.optimizer={Adam: {learning_rate: {log_uniform: [1e-3, 1e-1]}}}",
        "search.trials=40",
        "fit.epochs=1",
    )
    facts = pool.load(plan.datasets)
    assert [fact.schema.train_rows for fact in facts.values()] == [203]
    # From here on nobody can read the files again.
    (tmp_path / "train.parquet").unlink()
    (tmp_path / "test.parquet").unlink()
    events = []
    for event in pool.run(plan.packs, {}):
        note([event])
        events.append(event)

    found = outcomes(events)
    assert len(found) == 40
    assert not any(outcome.failed for outcome in found.values())
    started = [event for event in events if isinstance(event, WorkerStarted)]
    assert len({event.pid for event in started}) == 2
    assert processes_with_tensorflow() == {event.pid for event in started}
    workers = {event.worker for event in events if isinstance(event, AttemptEnded)}
    assert len(workers) == 2


def test_the_workers_are_hardened(pool: RayPool) -> None:
    assert pool is not None
    assert STARTED
    for event in STARTED.values():
        status = Path(f"/proc/{event.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert "Umask:\t0077" in status


def test_a_start_is_told_before_the_pack_is_dispatched(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = make_points_plan("fit.batch_size={choice: [16, 32, 64]}", "search.sampler=grid", "fit.epochs=1")
    events = run(pool, plan)
    planned = [attempt.pack_id for event in events if isinstance(event, AttemptsPlanned) for attempt in event.attempts]
    assert sorted(planned) == sorted(pack.id for pack in plan.packs)
    seen: set[str] = set()
    for event in events:
        if isinstance(event, AttemptsPlanned):
            seen.update(attempt.pack_id for attempt in event.attempts)
        elif isinstance(event, AttemptStarted):
            assert event.pack_id in seen


def test_a_worker_killed_in_mid_fit_costs_no_other_trial_and_its_own_finishes_with_the_same_bits(
    pool: RayPool, make_points_plan: MakePlan, runner: object
) -> None:
    assert runner is not None
    plan = make_points_plan(
        "fit.batch_size={choice: [16, 24, 32, 48]}", "search.sampler=grid", LONG, "limits.checkpoint=0.1"
    )
    victim: list[str] = []
    saved: dict[str, PackCheckpoint] = {}
    weights: dict[str, Weights] = {}
    first_epochs: list[int] = []

    def kill_once(event: Any) -> None:
        if isinstance(event, CheckpointTaken):
            saved[event.pack_id] = event.checkpoint
            if not victim:
                victim.append(event.pack_id)
                os.kill(STARTED[event.worker].pid, signal.SIGKILL)
        if isinstance(event, EpochEnded) and victim == [event.pack_id] and event.attempt == 2:
            first_epochs.append(event.reports[0].epoch)
        if isinstance(event, AttemptEnded):
            for member in event.members:
                weights[member.outcome.trial_id] = member.fetch_weights()

    events = run(pool, plan, kill_once, saved.get)
    # It goes on where it was saved last, which may be later than what was known when it was killed.
    assert first_epochs[0] > 0
    lost = [event for event in events if isinstance(event, AttemptLost)]
    charged = [event for event in lost if event.charged]
    assert [event.pack_id for event in charged] == victim
    assert charged[0].failure.cause is Cause.CRASH
    assert not charged[0].final
    assert len([event for event in events if isinstance(event, WorkerLost)]) == 1
    # Only what lay on the dead worker was begun again.
    planned = [attempt for event in events if isinstance(event, AttemptsPlanned) for attempt in event.attempts]
    assert len(planned) == len(plan.packs) + len(lost)

    found, undisturbed = outcomes(events), in_this_process(plan)
    assert set(found) == set(undisturbed)
    for trial_id, (outcome, expected) in undisturbed.items():
        assert found[trial_id].failure is None
        assert found[trial_id].history == outcome.history
        assert all(np.array_equal(a, b) for a, b in zip(weights[trial_id], expected, strict=True))


def test_two_workers_give_the_bits_of_one_in_another_order(
    pool: RayPool, make_points_plan: MakePlan, runner: object
) -> None:
    """Trials of four programs, so that what stood before a trial in its worker is now this, now that."""
    assert runner is not None
    plan = make_points_plan(
        "model.0={Dense: {units: {choice: [4, 8]}, activation: relu}}",
        "model.1={Dropout: {rate: 0.3}}",
        "fit.compile={choice: [graph, xla]}",
        "compile.optimizer={Adam: {learning_rate: {choice: [0.01, 0.03]}}}",
        "search.sampler=grid",
        "search.repeats=2",
        text=POINTS_SPEC.replace("\n  - Dense: {units: 1", "\n  - Flatten\n  - Dense: {units: 1"),
    )
    weights: dict[str, Weights] = {}

    def fetch(event: Any) -> None:
        if isinstance(event, AttemptEnded):
            weights.update((member.outcome.trial_id, member.fetch_weights()) for member in event.members)

    found = outcomes(run(pool, plan, fetch))
    undisturbed = in_this_process(replace(plan, packs=plan.packs[::-1]))
    assert len(found) == len(undisturbed) == 16
    for trial_id, (outcome, expected) in undisturbed.items():
        assert found[trial_id].history == outcome.history
        assert found[trial_id].compiled == outcome.compiled
        assert all(np.array_equal(a, b) for a, b in zip(weights[trial_id], expected, strict=True))


def test_streamed_rows_give_the_same_bits_on_workers(
    pool: RayPool, make_points_plan: MakePlan, runner: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert runner is not None
    plan = make_points_plan("fit.batch_size={choice: [8, 32]}", "search.sampler=grid")
    (source,) = plan.datasets
    small = replace(source, spec=source.spec.model_copy(update={"memory": 4000}))
    streamed = replace(plan, table=replace(plan.table, datasets=(small,)))
    found = outcomes(run(pool, streamed))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    undisturbed = in_this_process(streamed)
    assert {trial_id: outcome.history for trial_id, outcome in found.items()} == {
        trial_id: outcome.history for trial_id, (outcome, _) in undisturbed.items()
    }
    assert list(scratch_folder().iterdir()) == []
    in_memory = in_this_process(plan)
    assert all(found[trial_id].history != outcome.history for trial_id, (outcome, _) in in_memory.items())


def test_an_exported_model_predicts_what_the_worker_did(
    pool: RayPool, make_points_plan: MakePlan, points: Path, tmp_path: Path, runner: object
) -> None:
    assert runner is not None
    plan = make_points_plan()
    fetched: list[Weights] = []
    run(
        pool,
        plan,
        lambda event: (
            fetched.extend(m.fetch_weights() for m in event.members) if isinstance(event, AttemptEnded) else None
        ),
    )
    path = tmp_path / "model.keras"
    path.write_bytes(pool.export(plan.trials[0], (6,), fetched[0]))
    model = keras.models.load_model(path)
    table = pq.read_table(points / "test.parquet")
    rows = np.stack([table[f"x{index}"].to_numpy() for index in range(6)], axis=1)
    hidden, hidden_bias, out, out_bias = fetched[0]
    by_hand = 1 / (1 + np.exp(-(np.maximum(rows @ hidden + hidden_bias, 0) @ out + out_bias)))
    assert np.abs(model.predict(rows, verbose=0) - by_hand).max() <= 1e-6


def test_models_that_cannot_be_trained_are_found_before_any_trial(pool: RayPool, make_points_table: MakeTable) -> None:
    good = make_points_table()
    bad = make_points_table("model.1={Dense: {units: 3, activation: sigmoid}}")
    pool.load([*good.datasets, *bad.datasets])
    assert list(pool.check([*good.trials, *bad.trials])) == [bad.trials[0].id]


def test_an_error_of_the_data_comes_back_as_itself(pool: RayPool, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 this is no Parquet file PAR1")
    spec = DataSpec(train=("broken.parquet",), target="label")
    with pytest.raises(DataError, match="E411"):
        pool.load([DataSource(id="broken", spec=spec, folder=tmp_path)])


def test_a_file_that_its_reader_dies_of_is_named_and_nothing_is_left(pool: RayPool, tmp_path: Path) -> None:
    (tmp_path / "deep.jsonl").write_text('{"x": ' + "[" * 200_000 + "]" * 200_000 + ', "label": 0}\n')
    spec = DataSpec(train=("deep.jsonl",), target="label")
    with pytest.raises(DataError, match=r"deep\.jsonl: the process that was reading this file died.*\[E425\]"):
        pool.load([DataSource(id="deep", spec=spec, folder=tmp_path)])
    assert not list(scratch_folder().glob("*.reading"))


def test_the_cluster_turns_away_who_has_no_token(pool: RayPool) -> None:
    assert pool is not None
    import ray  # noqa: PLC0415

    address = ray.get_runtime_context().gcs_address
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_AUTH")}
    code = f"import ray; ray.init(address={address!r}, logging_level='CRITICAL'); print(ray.cluster_resources())"
    for mode in ("token", "disabled"):
        stranger = {**environment, "RAY_AUTH_MODE": mode, "HOME": "/nonexistent"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=stranger, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode != 0
        assert "CPU" not in done.stdout


def test_resources_that_no_node_has_are_refused(pool: RayPool, make_points_plan: MakePlan) -> None:
    """Stands last: asking for other resources gives the warm workers back."""
    with pytest.raises(ClusterError, match="E506"):
        list(pool.run(make_points_plan("resources.cpus=999").packs, {}))


def test_a_worker_that_died_of_a_batch_that_needs_most_of_the_memory_says_so(
    pool: RayPool, make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_points_plan(LONG, "limits.retries=0")
    monkeypatch.setattr(memory_hint, "free_bytes", lambda: 1024)
    killed: list[int] = []

    def kill_once(event: Any) -> None:
        if isinstance(event, EpochEnded) and not killed:
            killed.append(STARTED[event.worker].pid)
            os.kill(killed[0], signal.SIGKILL)

    events = run(pool, plan, kill_once)
    (lost,) = [event for event in events if isinstance(event, AttemptLost)]
    assert "it probably ran out of memory: training with batches of " in lost.failure.message
    assert lost.failure.message.endswith("Lower fit.batch_size, or make the model smaller")
