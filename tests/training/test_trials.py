"""What becomes of a trial: epochs, callbacks, failures, and the model that is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqjobs.execution.events import AttemptEnded, AttemptLost, EpochEnded
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.retry import Tries
from seqjobs.planning.plan import Plan
from seqjobs.training.outcome import Cause, TrialOutcome, Weights
from tests.conftest import MakePlan, MakeTable

pytestmark = pytest.mark.usefixtures("runner")


def run(plan: Plan) -> list[Any]:
    with InProcess() as executor:
        executor.load(plan.datasets)
        return list(executor.run(plan.packs, {}))


def ends(events: list[Any]) -> list[tuple[TrialOutcome, Weights]]:
    members = [member for event in events if isinstance(event, AttemptEnded) for member in event.members]
    return [(member.outcome, member.fetch_weights()) for member in members]


def equal(left: Weights, right: Weights) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_every_epoch_is_told_before_the_trial_ends(make_points_plan: MakePlan) -> None:
    events = run(make_points_plan())
    reports = [report for event in events if isinstance(event, EpochEnded) for report in event.reports]
    ((outcome, _),) = ends(events)
    assert [report.epoch for report in reports] == [0, 1, 2]
    assert [report.metrics["val_loss"] for report in reports] == [(value,) for value in outcome.history["val_loss"]]
    assert isinstance(events[-1], AttemptEnded)


def test_a_trial_gives_the_same_bits_again_and_another_seed_gives_others(make_points_plan: MakePlan) -> None:
    ((first, weights),) = ends(run(make_points_plan()))
    ((_, others),) = ends(run(make_points_plan("seed=1")))
    ((again, weights_again),) = ends(run(make_points_plan()))
    assert again.history == first.history
    assert equal(weights_again, weights)
    assert not equal(others, weights)


def test_shuffling_changes_the_order_and_only_the_order(make_points_plan: MakePlan) -> None:
    plans = [make_points_plan(f"fit.shuffle={value}", "fit.epochs=1") for value in ("true", "false")]
    ((shuffled, _),), ((ordered, _),) = (ends(run(plan)) for plan in plans)
    assert shuffled.history["loss"] != ordered.history["loss"]
    # One batch that holds all rows is the same in any order, but for the last bits of a sum.
    plans = [make_points_plan(f"fit.shuffle={value}", "fit.batch_size=500") for value in ("true", "false")]
    ((shuffled, _),), ((ordered, _),) = (ends(run(plan)) for plan in plans)
    np.testing.assert_allclose(shuffled.history["loss"], ordered.history["loss"], rtol=1e-5)


def test_early_stopping_says_whose_weights_the_model_has(make_points_plan: MakePlan, points: Path) -> None:
    stop = "{EarlyStopping: {monitor: val_loss, patience: 2, restore_best_weights: true}}"
    plan = make_points_plan(
        "fit.epochs=60", "compile.optimizer={Adam: {learning_rate: 0.2}}", f"fit.callbacks=[{stop}]"
    )
    ((outcome, weights),) = ends(run(plan))
    values = outcome.history["val_loss"]
    assert len(values) < 60
    assert outcome.weights_epoch == int(np.argmin(values)) == len(values) - 3

    with InProcess() as executor:
        content = executor.export(plan.trials[0], (6,), weights)
    model = load(content, points)
    loss = model.evaluate(*validation_rows(points), verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(values[outcome.weights_epoch], rel=1e-5)


def test_the_learning_rate_follows_a_schedule_by_epoch(make_points_plan: MakePlan) -> None:
    schedule = "{LearningRateScheduler: {boundaries: [1, 2], values: [0.1, 0.01, 0.001]}}"
    ((outcome, _),) = ends(run(make_points_plan(f"fit.callbacks=[{schedule}]")))
    np.testing.assert_allclose(outcome.history["learning_rate"], [0.1, 0.01, 0.001], rtol=1e-6)


def test_reduce_on_plateau_lowers_the_learning_rate(make_points_plan: MakePlan) -> None:
    reduce = "{ReduceLROnPlateau: {monitor: val_loss, factor: 0.5, patience: 0, min_delta: 1000}}"
    ((outcome, _),) = ends(run(make_points_plan(f"fit.callbacks=[{reduce}]", "fit.epochs=4")))
    rates = outcome.history["learning_rate"]
    assert rates[0] == pytest.approx(0.01)
    assert rates[-1] < rates[0] / 2


@pytest.mark.parametrize("callbacks", ["[]", "[TerminateOnNaN]"])
def test_a_loss_that_is_no_number_ends_the_trial(make_points_plan: MakePlan, callbacks: str) -> None:
    plan = make_points_plan(
        "data.target=score",
        "model.1.Dense.activation=linear",
        "compile={optimizer: {SGD: {learning_rate: 1e30}}, loss: mse}",
        "fit.epochs=20",
        f"fit.callbacks={callbacks}",
    )
    ((outcome, weights),) = ends(run(plan))
    assert outcome.failure is not None
    assert outcome.failure.cause is Cause.NAN
    assert len(outcome.history["loss"]) < 20
    assert weights == ()


def test_a_trial_that_trains_too_long_is_ended(make_points_plan: MakePlan) -> None:
    ((outcome, _),) = ends(run(make_points_plan("fit.epochs=100000", "limits.trial_time=2s")))
    assert outcome.failure is not None
    assert outcome.failure.cause is Cause.TIME
    assert len(outcome.history.get("loss", ())) < 100000


def test_one_failed_trial_leaves_the_others_alone(make_points_plan: MakePlan) -> None:
    # Labels 0 to 3 do not fit two outputs, which only the values tell.
    plan = make_points_plan(
        "data.target=kind",
        "compile.loss=sparse_categorical_crossentropy",
        "model.1={Dense: {units: {choice: [2, 4]}, activation: softmax}}",
        "search.sampler=grid",
    )
    (bad, _), (good, _) = ends(run(plan))
    assert bad.failure is not None
    assert bad.failure.cause is Cause.DATA
    assert "the target holds class 3, the model has outputs for 0 to 1" in bad.failure.message
    assert good.failure is None
    assert len(good.history["loss"]) == 3


def test_a_model_that_cannot_be_called_is_found_by_check(
    make_points_plan: MakePlan, make_points_table: MakeTable
) -> None:
    good = make_points_plan().table
    bad = make_points_table("model.1={Dense: {units: 3, activation: sigmoid}}")
    with InProcess() as executor:
        executor.load([*good.datasets, *bad.datasets])
        failures = executor.check([*good.trials, *bad.trials])
    assert list(failures) == [bad.trials[0].id]
    assert failures[bad.trials[0].id].cause is Cause.SPEC


def test_a_pack_that_died_too_often_before_is_not_begun(make_points_plan: MakePlan) -> None:
    plan = make_points_plan("limits.retries=1")
    with InProcess() as executor:
        executor.load(plan.datasets)
        events = list(executor.run(plan.packs, {plan.packs[0].id: Tries(charged=2)}))
    (lost,) = (event for event in events if isinstance(event, AttemptLost))
    assert lost.final
    assert lost.failure.cause is Cause.CRASH


def load(content: bytes, folder: Path) -> Any:
    import keras  # noqa: PLC0415 (imports TensorFlow)

    path = folder / "exported.keras"
    path.write_bytes(content)
    return keras.models.load_model(path)


def validation_rows(points: Path) -> tuple[Any, Any]:
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.read_table(points / "test.parquet")
    return np.stack([table[f"x{index}"].to_numpy() for index in range(6)], axis=1), table["yes"].to_numpy()
