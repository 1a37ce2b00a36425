"""Each member of a pack against its own stock `keras.fit` with the same seed and order of rows.

Layers, optimizers, losses, what differs between members, remainder batches, validation and early stopping.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import seqjobs.training.rows
from seqjobs.jobspec.trial_numbers import NumberPath, trial_numbers
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.training.outcome import Cause, TrialOutcome
from seqjobs.training.packs import pack_program
from seqjobs.training.packs.pack_program import PackProgram
from seqjobs.training.trial_runner import TrialRunner
from tests.conftest import MakePlan
from tests.training.packs.members import only_pack, train_alone, train_pack
from tests.training.trained import assert_close, dataset_of, same_bits

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]


DENSE = "[{Dense: {units: 8, activation: relu}}, {Dense: {units: OUT, activation: ACTIVATION}}]"
# No bias before a normalization: its gradient is nothing but rounding, which Adam makes as large as any other.
NORMALIZED = (
    "[{Dense: {units: 8, activation: tanh, use_bias: false}}, BatchNormalization, LayerNormalization,"
    " {Dense: {units: OUT, activation: ACTIVATION, kernel_regularizer: {L1: {l1: {choice: [1e-3, 1e-4]}}}}}]"
)
REGULARIZED = (
    "[{Dense: {units: 8, activation: gelu, kernel_regularizer: {L1L2: {l1: 1e-3, l2: {uniform: [0.001, 0.1]}}},"
    " activity_regularizer: {L1: {l1: {choice: [1e-3, 1e-2]}}}, kernel_constraint: {MaxNorm: {max_value: 0.5}}}},"
    " {ActivityRegularization: {l2: 0.01}}, {Dense: {units: OUT, activation: ACTIVATION}}]"
)
IMAGES = (
    "[{Dense: {units: 24}}, {Reshape: {target_shape: [4, 3, 2]}}, MaxPooling2D, {ZeroPadding2D: {padding: 1}}, PReLU,"
    " {TimeDistributed: {layer: {Dense: {units: 3, activation: elu}}}}, GlobalAveragePooling2D,"
    " {Dense: {units: OUT, activation: ACTIVATION}}]"
)
RATES = "{log_uniform: [1e-3, 3e-2]}"
BETAS = "beta_1: {choice: [0.9, 0.8]}, beta_2: {choice: [0.999, 0.95]}"
STOPS = "[{EarlyStopping: {monitor: MONITOR, patience: 0, min_delta: 0.01, restore_best_weights: true}}]"
# Model, optimizer, loss, target, rows of a batch (of 203 training rows: 203 leaves none over), validation, callbacks.
CASES: dict[str, tuple[str, str, str, str, int, str, str]] = {
    "dense adam": (
        DENSE,
        f"{{Adam: {{learning_rate: {RATES}, {BETAS}}}}}",
        "binary_crossentropy",
        "yes",
        32,
        "files",
        "[]",
    ),
    "dense sgd": (
        *(DENSE, f"{{SGD: {{learning_rate: {RATES}, momentum: {{choice: [0.9, 0.5]}}, nesterov: true}}}}"),
        *("mse", "score", 25, "split", "[]"),
    ),
    "dense rmsprop": (
        *(DENSE, f"{{RMSprop: {{learning_rate: {RATES}, rho: {{uniform: [0.8, 0.95]}}, centered: true}}}}"),
        *("categorical_crossentropy", "kind", 203, "none", "[]"),
    ),
    "dense adamw": (
        *(DENSE, f"{{AdamW: {{learning_rate: {RATES}, weight_decay: {{log_uniform: [1e-3, 1e-1]}}}}}}"),
        *("sparse_categorical_crossentropy", "kind", 29, "files", STOPS),
    ),
    "dense clipped": (
        DENSE,
        f"{{Adam: {{learning_rate: {RATES}, clipnorm: 0.1}}}}",
        "huber",
        "score",
        500,
        "files",
        "[]",
    ),
    "dense clipped globally": (
        *(DENSE, f"{{Adam: {{learning_rate: {RATES}, global_clipnorm: 0.1}}}}"),
        *("log_cosh", "score", 64, "files", STOPS),
    ),
    "schedule": (
        DENSE,
        "{Adam: {learning_rate: {ExponentialDecay: {initial_learning_rate: {log_uniform: [1e-3, 3e-2]},"
        " decay_rate: {choice: [0.9, 0.5]}, decay_steps: 3}}}}",
        *("binary_crossentropy", "yes", 32, "split", "[]"),
    ),
    "normalized nadam": (
        *(NORMALIZED, f"{{Nadam: {{learning_rate: {RATES}, {BETAS}}}}}"),
        *("binary_crossentropy", "yes", 40, "split", STOPS),
    ),
    "normalized ema": (
        *(NORMALIZED, f"{{Adam: {{learning_rate: {RATES}, use_ema: true}}}}", "hinge", "yes", 32, "files", "[]"),
    ),
    "regularized lion": (
        *(REGULARIZED, "{Lion: {learning_rate: {log_uniform: [1e-4, 1e-3]}}}", "binary_focal_crossentropy"),
        *("yes", 64, "files", "[]"),
    ),
    "regularized adagrad": (
        *(REGULARIZED, f"{{Adagrad: {{learning_rate: {RATES}}}}}", "mae", "score", 32, "none", STOPS),
    ),
    "recurrent": (
        "[{Reshape: {target_shape: [3, 2]}}, {SimpleRNN: {units: 5, return_sequences: true,"
        " recurrent_regularizer: {L2: {l2: {choice: [0.01, 0.1]}}}}}, {SimpleRNN: {units: 4, go_backwards: true}},"
        " {Dense: {units: OUT, activation: ACTIVATION}}]",
        *(f"{{Adam: {{learning_rate: {RATES}}}}}", "sparse_categorical_crossentropy", "kind", 29, "files", STOPS),
    ),
    "images adamax": (IMAGES, f"{{Adamax: {{learning_rate: {RATES}}}}}", "mse", "score", 50, "files", "[]"),
    "images lamb": (
        *(IMAGES, f"{{Lamb: {{learning_rate: {RATES}}}}}", "categorical_crossentropy", "kind", 45, "split", "[]"),
    ),
}
ENDS = {"yes": ("1", "sigmoid", "accuracy"), "score": ("1", "linear", "mae"), "kind": ("4", "softmax", "accuracy")}
# A metric sees predictions, whatever made them; AUC's 200 thresholds take as long to compile as a small model. So two
# cases have it: one with each kind of validation, both with remainders.
WITH_AUC = ("dense adam", "schedule")
MEMBERS = 5


def pack_of(make_points_plan: MakePlan, name: str, *overrides: str) -> Plan:
    model, optimizer, loss, target, batch_size, validation, callbacks = CASES[name]
    units, activation, metric = ENDS[target]
    metrics = f"{metric}, AUC" if name in WITH_AUC else metric
    return make_points_plan(
        f"model={model.replace('OUT', units).replace('ACTIVATION', activation)}",
        f"compile={{optimizer: {optimizer}, loss: {loss}, metrics: [{metrics}]}}",
        f"data.target={target}",
        f"fit.batch_size={batch_size}",
        f"fit.callbacks={callbacks.replace('MONITOR', 'loss' if validation == 'none' else 'val_loss')}",
        *(["data.validation=null"] if validation != "files" else []),
        *(["fit.validation_split=0.2"] if validation == "split" else []),
        "objective={metric: loss, direction: minimize}",
        f"fit.pack={MEMBERS}",
        f"search.trials={MEMBERS}",
        *overrides,
    )


@pytest.mark.parametrize("name", CASES)
def test_each_member_has_the_numbers_of_its_own_stock_fit(make_points_plan: MakePlan, name: str) -> None:
    plan = pack_of(make_points_plan, name)
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    pack = only_pack(plan, dataset)
    reports, members = train_pack(runner, pack, dataset)
    for index in (0, MEMBERS - 1):
        trial, member = pack.trials[index], members[index]
        assert_close(member, train_alone(runner, trial, dataset))
        for metric, values in member[0].history.items():
            assert np.float32(values[0]) == np.float32(reports[0].metrics[metric][index])


# By another engine: under XLA masks come from a counter's hash, one at a time as in packs. All layers that draw are in
# one model, each with a rate and a generator of its own: whichever drew other numbers, the losses would be others.
NOISY = (
    "[{Dense: {units: 16, activation: relu}}, {Dropout: {rate: RATE}}, {Dense: {units: 16, activation: tanh}},"
    " {AlphaDropout: {rate: RATE}}, {GaussianDropout: {rate: RATE}}, {GaussianNoise: {stddev: RATE}},"
    " {Reshape: {target_shape: [4, 4]}}, {SpatialDropout1D: {rate: RATE}}, Flatten,"
    " {Dense: {units: 1, activation: sigmoid}}]"
)
DRAWN = (
    *("1.Dropout.rate", "3.AlphaDropout.rate", "4.GaussianDropout.rate", "5.GaussianNoise.stddev"),
    "7.SpatialDropout1D.rate",
)


def test_members_draw_what_they_draw_alone(make_points_plan: MakePlan) -> None:
    plan = make_points_plan(
        f"model={NOISY.replace('RATE', '{uniform: [0.1, 0.6]}')}",
        "fit.pack=4",
        "search.trials=4",
    )
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    pack = only_pack(plan, dataset)
    _, members = train_pack(runner, pack, dataset)
    for trial, member in list(zip(pack.trials, members, strict=True))[::3]:
        assert {f"model.{number}" for number in DRAWN} <= set(trial.hyperparameters)
        assert_close(member, train_alone(runner, trial, dataset, "xla"))


@pytest.fixture(scope="module")
def shared_runner(runner: Any) -> TrialRunner:  # noqa: ARG001 (starts TensorFlow)
    """Holds the two programs of the cases below."""
    return TrialRunner(("CPU",))


NUMBERS = {
    "learning rate": ("compile", "optimizer", "learning_rate"),
    "beta_1": ("compile", "optimizer", "beta_1"),
    "beta_2": ("compile", "optimizer", "beta_2"),
    "weight decay": ("compile", "optimizer", "weight_decay"),
    "factor": ("model", 0, "kernel_regularizer", "l2"),
    "rate": ("model", 1, "rate"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_the_comparison_sees_a_member_with_the_number_of_the_first(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, shared_runner: TrialRunner, name: str
) -> None:
    """All numbers differ between the members; one of them alone is that of the first."""
    plan = make_points_plan(
        "model=[{Dense: {units: 8, activation: relu, kernel_regularizer: {L2: {l2: {log_uniform: [1e-3, 1e-1]}}}}},"
        " {Dropout: {rate: {uniform: [0.1, 0.6]}}}, {Dense: {units: 1, activation: sigmoid}}]",
        f"compile.optimizer={{AdamW: {{learning_rate: {RATES}, beta_1: {{uniform: [0.5, 0.95]}},"
        " beta_2: {uniform: [0.5, 0.95]}, weight_decay: {log_uniform: [1e-2, 1]}}}",
        "fit.pack=4",
        "search.trials=4",
    )
    dataset = dataset_of(plan)
    pack = only_pack(plan, dataset)
    first = pack.trials[0].numbers_by_path
    assert first == trial_numbers(pack.trials[0].spec)
    assert set(first) == set(NUMBERS.values())
    alone = train_alone(shared_runner, pack.trials[2], dataset, "xla")
    assert_close(train_pack(shared_runner, pack, dataset)[1][2], alone)

    def with_one_of_the_first(trial: Trial) -> dict[NumberPath, float]:
        return {**trial.numbers_by_path, NUMBERS[name]: first[NUMBERS[name]]}

    monkeypatch.setattr(pack_program, "numbers_of", with_one_of_the_first)
    with pytest.raises(AssertionError):
        assert_close(train_pack(shared_runner, pack, dataset)[1][2], alone)


def test_a_member_has_the_same_bits_in_every_place_and_beside_any_others(make_points_plan: MakePlan) -> None:
    plan = make_points_plan(
        "model=[{Dense: {units: 13, activation: tanh}}, {Dropout: {rate: {uniform: [0.1, 0.5]}}},"
        " {Dense: {units: 1, activation: sigmoid}}]",
        f"compile.optimizer={{Adam: {{learning_rate: {RATES}}}}}",
        "fit.pack=7",
        "search.trials=7",
    )
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    pack = only_pack(plan, dataset)
    _, members = train_pack(runner, pack, dataset)
    turned = replace(pack, trials=(*pack.trials[3:], *pack.trials[:3]))
    _, others = train_pack(runner, turned, dataset)
    for index, member in enumerate(members):
        assert same_bits(member, others[(index - 3) % 7])
    # A part of them, the other places filled up; and by a program that was built anew.
    again = TrialRunner(("CPU",))
    for part in (pack.trials[5:], pack.trials[2:3]):
        _, few = train_pack(again, replace(pack, trials=part), dataset)
        for trial, member in zip(part, few, strict=True):
            assert same_bits(member, members[pack.trials.index(trial)])


def test_epochs_in_blocks_give_the_numbers_of_epochs_in_one_call(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:

    plan = pack_of(make_points_plan, "dense sgd")
    dataset = dataset_of(plan)
    pack = only_pack(plan, dataset)
    _, whole = train_pack(TrialRunner(("CPU",)), pack, dataset)
    monkeypatch.setattr(seqjobs.training.rows, "BLOCK_BYTES", 2000)
    _, parts = train_pack(TrialRunner(("CPU",)), pack, dataset)
    for member, other in zip(whole, parts, strict=True):
        assert_close(member, other)


def test_one_member_turns_nan_one_stops_early_one_runs_to_the_end(make_points_plan: MakePlan) -> None:
    """Each has its own history, whatever becomes of the others."""
    plan = make_points_plan(
        "data.target=score",
        "model.1.Dense.activation=linear",
        "compile={optimizer: {SGD: {learning_rate: {choice: [300, 1e-9, 0.01]}}}, loss: mse, metrics: [mae]}",
        "fit.epochs=12",
        "fit.callbacks=[{EarlyStopping: {monitor: loss, patience: 2, min_delta: 0.001, restore_best_weights: true}}]",
        "fit.pack=4",
        "search={sampler: grid}",
    )
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    pack = replace(only_pack(plan, dataset), size=4)
    _, members = train_pack(runner, pack, dataset)
    by_rate = dict(zip((300, 1e-9, 0.01), members, strict=True))
    assert by_rate[300][0].failure is not None
    assert "loss became" in by_rate[300][0].failure.message
    assert by_rate[300][1] == ()
    lengths = {rate: len(outcome.history["loss"]) for rate, (outcome, _) in by_rate.items()}
    assert lengths[1e-9] == 3
    assert lengths[0.01] == 12
    for trial, (outcome, weights) in zip(pack.trials, members, strict=True):
        alone = train_alone(runner, trial, dataset)
        assert outcome.weights_epoch == alone[0].weights_epoch
        if outcome.failure is None:
            assert_close((outcome, weights), alone)
        else:
            assert outcome.failure == alone[0].failure
            for metric, values in alone[0].history.items():
                np.testing.assert_allclose(outcome.history[metric], values, rtol=1e-5)


@pytest.mark.parametrize(
    "callbacks",
    [
        "[{ReduceLROnPlateau: {monitor: val_loss, factor: 0.3, patience: 1, min_delta: 0.02, cooldown: 1}}]",
        "[{LearningRateScheduler: {boundaries: [2, 4], values: [0.02, 0.01, 0.002]}}, TerminateOnNaN]",
    ],
)
def test_callbacks_set_each_members_learning_rate(make_points_plan: MakePlan, callbacks: str) -> None:
    plan = make_points_plan(
        f"compile.optimizer={{Adam: {{learning_rate: {RATES}, beta_1: {{choice: [0.9, 0.8]}}}}}}",
        f"fit.callbacks={callbacks}",
        "fit.epochs=8",
        "fit.pack=4",
        "search.trials=4",
    )
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    pack = only_pack(plan, dataset)
    _, members = train_pack(runner, pack, dataset)
    for trial, member in list(zip(pack.trials, members, strict=True))[::3]:
        assert "learning_rate" in member[0].history
        assert_close(member, train_alone(runner, trial, dataset))


def test_what_has_no_form_in_packs_is_trained_one_by_one(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the rule let something through: each trial has its own result all the same, or its own failure."""

    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("No pfor vectorization defined for Anything")

    plan = make_points_plan(f"compile.optimizer={{Adam: {{learning_rate: {RATES}}}}}", "fit.pack=4", "search.trials=4")
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    pack = only_pack(plan, dataset)
    monkeypatch.setattr(PackProgram, "build", fail)
    outcomes = [item for item in runner.run(pack, dataset) if isinstance(item, TrialOutcome)]
    for trial, outcome in zip(pack.trials, outcomes, strict=True):
        assert outcome.failure is None
        assert outcome.history == train_alone(runner, trial, dataset, outcome.compiled)[0].history


def test_weights_come_back_of_those_that_may_be_kept(make_points_plan: MakePlan) -> None:
    plan = make_points_plan(
        f"compile.optimizer={{Adam: {{learning_rate: {RATES}}}}}", "fit.pack=6", "search.trials=6", "keep.best=2"
    )
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    pack = only_pack(plan, dataset)
    items = list(runner.run(pack, dataset))
    losses = [item.history["val_loss"][-1] for item in items if isinstance(item, TrialOutcome)]
    weights = [item for item in items if isinstance(item, tuple)]
    best = sorted(range(6), key=losses.__getitem__)[:2]
    assert {index for index, found in enumerate(weights) if found} == set(best)


def test_a_pack_ends_when_each_trial_has_had_its_time(make_points_plan: MakePlan) -> None:
    plan = make_points_plan(
        f"compile.optimizer={{Adam: {{learning_rate: {RATES}}}}}",
        "fit.epochs=100000",
        "limits.trial_time=1s",
        "fit.pack=4",
        "search.trials=4",
    )
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    outcomes = [item for item in runner.run(only_pack(plan, dataset), dataset) if isinstance(item, TrialOutcome)]
    assert [outcome.failure and outcome.failure.cause for outcome in outcomes] == [Cause.TIME] * 4
    assert all(outcome.history["loss"] for outcome in outcomes)
