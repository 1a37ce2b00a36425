"""A program that has trained before gives the bits of a fresh one, and what it must forget in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import keras
import pytest

from seqjobs.data.dataset import Dataset
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training import programs
from seqjobs.training.outcome import EpochReport, Failure, PackRunner
from seqjobs.training.program import Program
from seqjobs.training.trial_runner import TrialRunner
from tests.conftest import MakePlan
from tests.training.conftest import Once
from tests.training.trained import Trained, dataset_of, same_bits, train, train_fresh

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]


# Whatever a program can carry over from a trial to the next: statistics, masks, slots, a count of steps that enters the
# numbers (Nadam's product too), averages of weights, a learning rate that a callback changed, metrics.
EVERYTHING = """
name: everything
data: {train: train.parquet, validation: test.parquet, features: [x0, x1, x2, x3, x4, x5], target: yes}
model:
  - Dense: {units: 8, activation: relu, kernel_regularizer: {l2: 1e-3}}
  - BatchNormalization
  - Dropout: {rate: 0.3}
  - Dense: {units: 1, activation: sigmoid}
compile:
  optimizer: {Nadam: {learning_rate: {choice: [0.05, 0.01]}, use_ema: true, ema_momentum: 0.9}}
  loss: binary_crossentropy
  metrics: [accuracy, AUC]
fit:
  epochs: 6
  batch_size: 32
  compile: graph
  callbacks:
    - ReduceLROnPlateau: {monitor: val_loss, factor: 0.5, patience: 0, min_delta: 1000}
    - EarlyStopping: {monitor: val_loss, patience: 4, restore_best_weights: true}
search: {sampler: grid, repeats: 2}
"""

Fresh = Callable[[Pack, Dataset], Trained]


@pytest.fixture(scope="module")
def warm(runner: PackRunner) -> TrialRunner:  # noqa: ARG001 (starts TensorFlow)
    """One runner for several tests, as a worker is one for several trials: it holds one program of EVERYTHING."""
    return TrialRunner(("CPU",))


@pytest.fixture(scope="module")
def fresh(once: Once) -> Fresh:
    """What a runner that holds no program makes of a pack."""
    return lambda pack, dataset: once((pack.id, dataset.fingerprint), lambda: train_fresh(pack, dataset))


@pytest.mark.parametrize("compiled", ["graph", "xla"])
def test_every_trial_of_a_program_gives_the_bits_of_a_fresh_one_in_any_order(
    make_points_plan: MakePlan, compiled: str
) -> None:
    rates = ("rate: 0.3", "rate: {choice: [0.3, 0.15]}")
    plan = make_points_plan(f"fit.compile={compiled}", text=EVERYTHING.replace(*rates))
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    assert (plan.num_programs, len(plan.packs)) == (1, 8)
    forwards = [train(runner, pack, dataset) for pack in plan.packs]
    backwards = [train(runner, pack, dataset) for pack in reversed(plan.packs)][::-1]
    alone = train_fresh(plan.packs[-1], dataset)
    assert all(map(same_bits, forwards, backwards))
    assert same_bits(alone, forwards[-1])
    assert len({outcome.history["loss"] for outcome, _ in forwards}) == len(plan.packs)


@pytest.mark.parametrize("shape", [[6], [3, 2], [1, 3, 2], [1, 1, 3, 2]])
def test_each_rate_of_a_shared_program_has_the_bits_of_keras_s_fit(
    make_points_plan: MakePlan, shape: list[int]
) -> None:
    name = "Dropout" if len(shape) == 1 else f"SpatialDropout{len(shape) - 1}D"
    rate = f"{{{name}: {{rate: {{choice: [0.1, 0.3, 0.6]}}}}}}"
    model = (
        f"model=[{{Reshape: {{target_shape: {shape}}}}}, {rate}, Flatten, {{Dense: {{units: 1, activation: sigmoid}}}}]"
    )
    by_graph = make_points_plan(model, "fit.compile=graph", "search.sampler=grid")
    by_keras = make_points_plan(model, "fit.compile=stock", "search.sampler=grid")
    dataset, runner = dataset_of(by_graph), TrialRunner(("CPU",))
    assert by_graph.num_programs == 1
    found = [train(runner, pack, dataset) for pack in by_graph.packs]
    assert runner.compilations.programs == 1
    for ours, pack in zip(found, by_keras.packs, strict=True):
        assert same_bits(ours, train(runner, pack, dataset))
    assert len({outcome.history["loss"] for outcome, _ in found}) == 3


def two_learning_rates(plan: Plan) -> tuple[Pack, Pack]:
    """Return the packs of the two learning rates under the first seed."""
    first, second = (pack for pack in plan.packs if pack.trials[0].repeat == 0)
    return first, second


def variables_of(model: keras.Sequential, kind: str) -> list[Any]:
    """The variables of the model that a reset puts back, by what they are."""
    optimizer = model.optimizer
    normalization = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    dropout = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout))
    slots = [variable for variable in optimizer.variables if "momentum" in variable.path or "velocity" in variable.path]
    kinds: dict[str, list[Any]] = {
        "weights": model.trainable_variables,
        "statistics": normalization.non_trainable_variables,
        "masks": [dropout.seed_generator.state],
        "slots": slots,
        "iterations": [optimizer.iterations],
        "product": [optimizer._u_product],
    }
    assert kinds[kind], kind
    return kinds[kind]


# Averages of weights are not among them: the first step overwrites them (keras/src/optimizers/base_optimizer.py).
KINDS = ["weights", "statistics", "masks", "slots", "iterations", "product"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_reset_that_forgets_a_kind_of_state_would_be_seen(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, warm: TrialRunner, fresh: Fresh, kind: str
) -> None:
    """A reset that leaves the part as it is: the test above would fail, for the second trial is another then."""
    plan = make_points_plan(text=EVERYTHING)
    dataset = dataset_of(plan)
    reset = Program.reset

    def forgetful(program: Program, trial: Trial) -> None:
        left = [(variable, variable.numpy()) for variable in variables_of(program.model, kind)]
        reset(program, trial)
        for variable, value in left:
            variable.assign(value)

    first, second = two_learning_rates(plan)
    expected = fresh(second, dataset)
    train(warm, first, dataset)
    assert same_bits(train(warm, second, dataset), expected)
    train(warm, first, dataset)
    monkeypatch.setattr(Program, "reset", forgetful)
    assert not same_bits(train(warm, second, dataset), expected)


@pytest.mark.parametrize("part", ["learning rate", "stop", "metrics"])
def test_a_reset_that_forgets_what_is_no_variable_would_be_seen(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, warm: TrialRunner, fresh: Fresh, part: str
) -> None:
    callback = "{EarlyStopping: {monitor: val_loss, patience: 0, baseline: 0}}"
    plan = make_points_plan(*([f"fit.callbacks=[{callback}]"] if part == "stop" else []), text=EVERYTHING)
    dataset = dataset_of(plan)
    first, second = two_learning_rates(plan)
    expected = fresh(second, dataset)
    assert expected[0].failure is None
    if part == "metrics":
        # They are reset in what is traced.
        monkeypatch.setattr(keras.Sequential, "reset_metrics", lambda _: None)
        warm = TrialRunner(("CPU",))
    train(warm, first, dataset)
    if part != "metrics":
        monkeypatch.setattr(Program, "reset", lambda self, trial: self._initial.restore(trial.seed))
    if part == "stop":
        monkeypatch.setattr(keras.callbacks.EarlyStopping, "on_epoch_end", lambda *_: None)
    again = train(warm, second, dataset)
    assert again[0].history != expected[0].history


def test_a_worker_holds_the_programs_that_it_used_last(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "PROGRAMS_HELD", 2)
    plan = make_points_plan("model.0.Dense.units={choice: [1, 2, 3]}", "search.sampler=grid")
    dataset, held = dataset_of(plan), programs.Programs()

    def take(number: int) -> Any:
        pack = plan.packs[number]
        return held.take(pack.program_key, dataset, "graph", object)

    first, second = take(0), take(1)
    assert take(0) is first  # used again, so the second is the oldest
    take(2)
    assert take(0) is first
    assert take(1) is not second


def test_a_program_whose_trial_failed_is_not_used_again(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, fresh: Fresh
) -> None:
    plan = make_points_plan(text=EVERYTHING)
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    built: list[str] = []
    build = Program.build.__func__  # type: ignore[attr-defined]

    def note(cls: type[Program], trial: Any, *arguments: Any, **options: Any) -> Any:
        built.append(trial.id)
        return build(cls, trial, *arguments, **options)

    def fail(*_: Any, **__: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(Program, "build", classmethod(note))
    first, second = plan.packs[:2]
    train(runner, first, dataset)
    with monkeypatch.context() as broken:
        broken.setattr(Program, "reset", fail)
        failed, weights = train(runner, second, dataset)
    assert isinstance(failed.failure, Failure)
    assert weights == ()
    again = train(runner, second, dataset)
    assert built == [first.trials[0].id, second.trials[0].id]
    assert same_bits(again, fresh(second, dataset))


def test_a_program_is_not_used_for_a_file_that_has_changed(make_points_plan: MakePlan) -> None:
    """As a worker meets it that is kept between two runs: the same spec, so the same program key."""
    plan = make_points_plan()
    before, runner = dataset_of(plan), TrialRunner(("CPU",))
    train(runner, plan.packs[0], before)
    narrow = {
        split: replace(getattr(before, split), features=getattr(before, split).features[:, :4])
        for split in ("train", "validation")
    }
    after = replace(before, **narrow, schema=replace(before.schema, feature_shape=(4,)), fingerprint="of other rows")
    assert same_bits(train(runner, plan.packs[0], after), train_fresh(plan.packs[0], after))
    assert same_bits(train(runner, plan.packs[0], before), train_fresh(plan.packs[0], before))


def reports(items: Iterator[Any]) -> list[EpochReport]:
    return [item for item in items if isinstance(item, EpochReport)]


@pytest.mark.parametrize("compiled", ["graph", "eager", "stock"])
def test_epochs_are_reported_as_they_end(make_points_plan: MakePlan, compiled: str) -> None:
    plan = make_points_plan(f"fit.compile={compiled}")
    items = TrialRunner(("CPU",)).run(plan.packs[0], dataset_of(plan))
    first = next(items)
    assert isinstance(first, EpochReport)
    assert first.epoch == 0
    assert [report.epoch for report in reports(items)] == [1, 2]
