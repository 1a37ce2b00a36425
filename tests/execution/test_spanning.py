"""Trials that span two workers, with real Ray and TensorFlow: the numbers of one process, whatever is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

from seqjobs.data.streamed.window import Window
from seqjobs.execution.events import AttemptEnded, AttemptLost, CheckpointTaken, EpochEnded
from seqjobs.execution.executor import Saved, nothing_saved
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.training.epoch_order import WindowedOrder
from seqjobs.training.outcome import Cause, PackCheckpoint, TrialOutcome, Weights
from seqjobs.training.share import Share
from tests.conftest import MakePlan

pytestmark = [pytest.mark.ray, pytest.mark.slow]

Found = dict[str, tuple[TrialOutcome, Weights]]

TWO = "resources.workers=2"
# 7 full batches of 29 rows and, of the 50 rows of validation, 29 and 21: none of them is even.
WHOLE_BATCH = (
    "model=[{Dense: {units: 16, use_bias: false}}, BatchNormalization, ReLU, {Dropout: {rate: 0.3}},"
    " {Dense: {units: 8, activation: relu}}, {Dense: {units: 1, activation: sigmoid}}]",
    "data.sample_weight=kind",
    "fit.class_weight={0: 1.0, 1: 3.0}",
    "fit.callbacks=[{EarlyStopping: {monitor: val_loss, patience: 1, min_delta: 10, restore_best_weights: true}}]",
)
RATES = ("compile.optimizer.Adam.learning_rate={choice: [0.01, 0.03]}", "search.sampler=grid")


@pytest.fixture(scope="module")
def pool() -> Iterator[RayPool]:
    """One worker of two processes, warm over the tests of this module."""
    with RayPool({Resources(workers=2): 10}, workers=1) as entered:
        yield entered


def carried_out(
    executor: RayPool | InProcess,
    plan: Plan,
    on_event: Callable[[Any], None] = lambda _: None,
    saved: Saved = nothing_saved,
) -> tuple[list[Any], Found]:
    executor.load(plan.datasets)
    events: list[Any] = []
    found: Found = {}
    for event in executor.run(plan.packs, {}, saved):
        on_event(event)
        events.append(event)
        if isinstance(event, AttemptEnded):
            found.update(
                (member.outcome.trial_id, (member.outcome, member.fetch_weights())) for member in event.members
            )
    return events, found


def test_two_workers_give_the_numbers_of_one(pool: RayPool, make_points_plan: MakePlan, runner: object) -> None:
    assert runner is not None
    written = (*RATES, *WHOLE_BATCH)
    plan, alone = make_points_plan(TWO, *written), make_points_plan(*written, "fit.compile=graph", "fit.pack=off")
    # Sums over two workers have other last bits, so these are other trials.
    assert {trial.id for trial in plan.trials}.isdisjoint(trial.id for trial in alone.trials)
    _, found = carried_out(pool, plan)
    with InProcess() as one:
        _, expected = carried_out(one, alone)
    for trial, same in zip(plan.trials, alone.trials, strict=True):
        (outcome, weights), (other, others) = found[trial.id], expected[same.id]
        assert outcome.failure is None
        assert outcome.compiled == "mirrored-2"
        assert list(outcome.history) == list(other.history)
        assert (len(outcome.history["loss"]), outcome.weights_epoch) == (2, 0)
        assert other.weights_epoch == 0
        for column, values in other.history.items():
            np.testing.assert_allclose(outcome.history[column], values, rtol=1e-6, err_msg=column)
        for ours, theirs in zip(weights, others, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_each_worker_draws_from_its_own_shard_of_streamed_rows(
    pool: RayPool, make_points_plan: MakePlan, points: Path, runner: object
) -> None:
    assert runner is not None
    plan = make_points_plan(TWO, "seed=5")
    (source,) = plan.datasets
    small = replace(source, spec=source.spec.model_copy(update={"memory": 4000}))
    streamed = replace(plan, table=replace(plan.table, datasets=(small,)))
    _, found = carried_out(pool, streamed)
    ((outcome, weights),) = found.values()
    assert outcome.failure is None
    shards = [Share(index=index, workers=2, batch_size=29).shard(203) for index in range(2)]
    window = Window.of(4000, row_bytes=24)
    features, target = rows_of(points / "train.parquet")
    validation = rows_of(points / "test.parquet")
    keras.utils.set_random_seed(5)
    layers = [keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    history: dict[str, list[float]] = {}
    for epoch in range(3):
        drawn = [
            shard.start + WindowedOrder(rows=length(shard), window=window, seed=5, epoch=epoch, shard=index)[:]
            for index, shard in enumerate(shards)
        ]
        # 15 rows of the first shard and 14 of the second in each of 7 batches.
        order = np.concatenate([part.reshape(7, -1) for part in drawn], axis=1).reshape(-1)
        assert sorted(order.tolist()) == list(range(203))
        with_order = {"batch_size": 29, "shuffle": False, "verbose": 0, "validation_batch_size": 29}
        fitted = model.fit(features[order], target[order], validation_data=validation, **with_order).history
        for column, values in fitted.items():
            history.setdefault(column, []).extend(values)
    assert list(outcome.history) == list(history)
    for column, values in history.items():
        np.testing.assert_allclose(outcome.history[column], values, rtol=1e-6, err_msg=column)
    for ours, theirs in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def rows_of(path: Path) -> tuple[Any, Any]:
    table = pq.read_table(path)
    return np.stack([table[f"x{index}"].to_numpy() for index in range(6)], axis=1), table["yes"].to_numpy()


def length(shard: slice) -> int:
    return int(shard.stop - shard.start)


def companions() -> list[psutil.Process]:
    """The processes beside the first that this process's cluster has."""
    below = psutil.Process().children(recursive=True)
    return [process for process in below if _title(process).startswith("ray::Companion")]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_worker_of_several_that_is_killed_costs_its_trial_what_was_not_saved(
    pool: RayPool, make_points_plan: MakePlan
) -> None:
    plan = make_points_plan(TWO, "fit.epochs=150", "fit.batch_size=203", "limits.checkpoint=0.1")
    saved: dict[str, PackCheckpoint] = {}
    first_epochs: list[int] = []

    def kill_once(event: Any) -> None:
        if isinstance(event, CheckpointTaken):
            if not saved:
                (companion,) = companions()
                os.kill(companion.pid, signal.SIGKILL)
            saved[event.pack_id] = event.checkpoint
        if isinstance(event, EpochEnded) and event.attempt == 2:
            first_epochs.append(event.reports[0].epoch)

    events, found = carried_out(pool, plan, kill_once, saved.get)
    (lost,) = [event for event in events if isinstance(event, AttemptLost)]
    assert (lost.failure.cause, lost.final) == (Cause.CRASH, False)
    assert first_epochs[0] > 0
    _, undisturbed = carried_out(pool, plan)
    (outcome, weights), (other, others) = found[plan.trials[0].id], undisturbed[plan.trials[0].id]
    assert outcome.failure is None
    assert outcome.history == other.history
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(weights, others, strict=True))


def test_a_trial_whose_time_is_over_leaves_the_workers_to_the_next(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = make_points_plan(TWO, "fit.epochs=100000", "limits.trial_time=1")
    _, found = carried_out(pool, plan)
    ((outcome, _),) = found.values()
    assert outcome.failure is not None
    assert outcome.failure.cause is Cause.TIME
    _, found = carried_out(pool, make_points_plan(TWO))
    ((outcome, _),) = found.values()
    assert outcome.failure is None


def test_what_only_keras_trains_is_refused_before_it_trains(pool: RayPool, make_points_plan: MakePlan) -> None:
    dense = "{Dense: {units: 1, activation: sigmoid, activity_regularizer: {OrthogonalRegularizer: {factor: 0.1}}}}"
    plan = make_points_plan(TWO, f"model=[{dense}]")
    small = make_points_plan(TWO, "fit.batch_size=101")  # (202 rows, and one)
    pool.load(plan.datasets)
    failures = pool.check((*plan.trials, *small.trials))
    assert [failures[trial.id].cause for trial in (*plan.trials, *small.trials)] == [Cause.SPEC] * 2
    assert "`resources.workers`" in failures[plan.trials[0].id].message
