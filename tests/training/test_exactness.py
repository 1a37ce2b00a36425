"""The engine against Keras's own `fit`: layers, optimizers, losses, remainders, validation and callbacks.

Every case trains one trial with `fit.compile: stock` and again compiled, under the same seed and in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import seqjobs.training.rows
from seqjobs.data.dataset import Dataset
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.training import stock_fit
from seqjobs.training.fitting import Watcher
from seqjobs.training.outcome import Weights
from tests.conftest import JOBS, MakePlan
from tests.fixtures.plans import plan_of
from tests.training.conftest import Once
from tests.training.trained import Trained, assert_close, dataset_of, same_bits, train_fresh

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]


# Model, optimizer, loss, target, rows of a batch (of 203 training rows: 203 leaves none over), validation.
DENSE = "[{Dense: {units: 8, activation: relu}}, {Dense: {units: OUT, activation: ACTIVATION}}]"
NORMALIZED = (
    "[{Dense: {units: 8, activation: tanh}}, BatchNormalization, LayerNormalization,"
    " {Dense: {units: OUT, activation: ACTIVATION, kernel_regularizer: {l1: 1e-3}}}]"
)
REGULARIZED = (
    "[{Dense: {units: 8, activation: gelu, kernel_regularizer: {l2: 1e-2}, activity_regularizer: {l1: 1e-3},"
    " kernel_constraint: {MaxNorm: {max_value: 0.5}}}}, {Dense: {units: OUT, activation: ACTIVATION}}]"
)
RECURRENT = "[{Reshape: {target_shape: [3, 2]}}, {KIND: {units: 5}}, {Dense: {units: OUT, activation: ACTIVATION}}]"
CONVOLUTIONS = (
    "[{Reshape: {target_shape: [6, 1]}}, {Conv1D: {filters: 4, kernel_size: 3, padding: same, activation: relu}},"
    " MaxPooling1D, {Conv1D: {filters: 3, kernel_size: 2}}, GlobalAveragePooling1D,"
    " {Dense: {units: OUT, activation: ACTIVATION}}]"
)
DROPPED = (
    "[{Dense: {units: 16, activation: relu}}, {Dropout: {rate: 0.3}}, {Dense: {units: OUT, activation: ACTIVATION}}]"
)
ADAM = "{Adam: {learning_rate: 0.01}}"
CASES: dict[str, tuple[str, str, str, str, int, str]] = {
    "dense adam": (DENSE, ADAM, "binary_crossentropy", "yes", 32, "files"),
    "dense sgd momentum": (DENSE, "{SGD: {momentum: 0.9, nesterov: true}}", "mse", "score", 25, "split"),
    "dense rmsprop": (DENSE, "{RMSprop: {centered: true}}", "categorical_crossentropy", "kind", 203, "none"),
    "dense adamw": (DENSE, "{AdamW: {weight_decay: 0.02}}", "sparse_categorical_crossentropy", "kind", 29, "files"),
    "dense clipped": (DENSE, "{Adam: {global_clipnorm: 0.1}}", "huber", "score", 500, "files"),
    "normalized nadam": (NORMALIZED, "{Nadam: {}}", "binary_crossentropy", "yes", 40, "split"),
    "normalized ema": (NORMALIZED, "{Adam: {use_ema: true}}", "hinge", "yes", 32, "files"),
    "regularized lion": (REGULARIZED, "{Lion: {}}", "binary_focal_crossentropy", "yes", 64, "files"),
    "regularized adagrad": (REGULARIZED, "{Adagrad: {}}", "mae", "score", 32, "none"),
    "regularized schedule free": (REGULARIZED, "{ScheduleFreeAdamW: {}}", "mse", "score", 32, "files"),
    "lstm": (RECURRENT.replace("KIND", "LSTM"), ADAM, "sparse_categorical_crossentropy", "kind", 32, "files"),
    "gru": (RECURRENT.replace("KIND", "GRU"), ADAM, "mse", "score", 50, "split"),
    "simple rnn": (RECURRENT.replace("KIND", "SimpleRNN"), "{Adamax: {}}", "log_cosh", "score", 32, "files"),
    "convolutions": (CONVOLUTIONS, ADAM, "binary_crossentropy", "yes", 32, "files"),
    "convolutions lamb": (CONVOLUTIONS, "{Lamb: {}}", "categorical_crossentropy", "kind", 45, "split"),
    "dropout": (DROPPED, ADAM, "binary_crossentropy", "yes", 32, "files"),
    "dropout ftrl": (DROPPED, "{Ftrl: {}}", "categorical_focal_crossentropy", "kind", 27, "split"),
}
ENDS = {"yes": ("1", "sigmoid", "accuracy"), "score": ("1", "linear", "mae"), "kind": ("4", "softmax", "accuracy")}
# A metric sees predictions, whatever made them; AUC's 200 thresholds take as long to compile as a small model. These
# have it by either compiler, with either kind of validation, with remainders and in blocks.
WITH_AUC = ("dense adam", "normalized nadam")
BY_XLA = ["dense adam", "dense adamw", "normalized nadam", "regularized lion", "lstm", "convolutions"]


def plan_of_case(make_points_plan: MakePlan, name: str) -> Plan:
    model, optimizer, loss, target, batch_size, validation = CASES[name]
    units, activation, metric = ENDS[target]
    metrics = f"{metric}, AUC" if name in WITH_AUC else metric
    return make_points_plan(
        f"model={model.replace('OUT', units).replace('ACTIVATION', activation)}",
        f"compile={{optimizer: {optimizer}, loss: {loss}, metrics: [{metrics}]}}",
        f"data.target={target}",
        f"fit.batch_size={batch_size}",
        *(["data.validation=null"] if validation != "files" else []),
        *(["fit.validation_split=0.2"] if validation == "split" else []),
        "objective={metric: loss, direction: minimize}",
        "fit.compile={choice: [stock, graph, xla]}",
        "search.sampler=grid",
    )


@pytest.mark.parametrize("name", CASES)
def test_histories_and_weights_are_those_of_stock_fit(make_points_plan: MakePlan, once: Once, name: str) -> None:
    plan = plan_of_case(make_points_plan, name)
    dataset = dataset_of(plan)
    stock, graph, xla = plan.packs
    reference = train_fresh(stock, dataset)
    assert_close(once(name, lambda: train_fresh(graph, dataset)), reference)
    if name in BY_XLA:
        assert_close(train_fresh(xla, dataset), reference)


# With dropout XLA draws other masks than Keras's generator; the graph draws the same. Differences of the last bits grow
# from step to step, in a convolutional model sooner than elsewhere: hence the epochs.
JOB_FILES: dict[str, dict[str, int]] = {
    "mlp_binary.yaml": {"xla": 2},
    "mlp_dropout.yaml": {"graph": 2},
    "cnn_digits.yaml": {"xla": 1, "graph": 2},
    "weather_lstm.yaml": {"graph": 2},
    "flights_search.yaml": {"graph": 2},
    "quickstart.yaml": {"graph": 2},
    "cancer_search.yaml": {"graph": 2},
    "flights_packs.yaml": {"graph": 2},
    "flights_tabular.yaml": {"graph": 1},
    "character_names.yaml": {"graph": 1},
}


def first_shard(job: str) -> list[str]:
    """An override that trains on the first of several files, so that the test does not train all night."""
    train = yaml.safe_load((JOBS / job).read_text())["data"]["train"]
    return [f"data.train={train.replace('*', 'part-00000')}"]


@pytest.mark.parametrize("job", JOB_FILES)
def test_the_jobs_give_the_numbers_of_stock_fit(monkeypatch: pytest.MonkeyPatch, job: str) -> None:
    ways = JOB_FILES[job]

    def plan_of_job(way: str, epochs: int) -> Plan:
        overrides = [*first_shard(job), f"fit.epochs={epochs}", "search.trials=null", f"fit.compile={way}"]
        return plan_of(JOBS / job, *overrides)

    plan = plan_of_job("stock", max(ways.values()))
    dataset = dataset_of(plan)
    stock = stock_behind_each_epoch(monkeypatch, plan.packs[0], dataset)
    for way, epochs in ways.items():
        engine = train_fresh(plan_of_job(way, epochs).packs[0], dataset)
        assert engine[0].compiled == way
        assert_close(engine, stock[epochs - 1])


def stock_behind_each_epoch(monkeypatch: pytest.MonkeyPatch, pack: Pack, dataset: Dataset) -> list[Trained]:
    """What stock `fit` gives, and before that what it had come to behind each epoch: in a job without callbacks what it
    gives where it is asked for no more."""
    kept: list[Weights] = []

    class Keeping(Watcher):
        def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            super().on_epoch_end(epoch, logs)
            kept.append(tuple(self.model.get_weights()))

    with monkeypatch.context() as patch:
        patch.setattr(stock_fit, "Watcher", Keeping)
        outcome, weights = train_fresh(pack, dataset)
    histories = ({name: values[: epoch + 1] for name, values in outcome.history.items()} for epoch in range(len(kept)))
    earlier = [(replace(outcome, history=history), held) for history, held in zip(histories, kept, strict=True)]
    return [*earlier[:-1], (outcome, weights)]


def test_every_job_is_compared() -> None:
    assert {path.name for path in Path(JOBS).glob("*.yaml")} == set(JOB_FILES)


# Two of them have no whole batch, one in its 50 rows of validation, one in its 203 of training.
@pytest.mark.parametrize(
    "name", ["dense sgd momentum", "normalized nadam", "dense adam", "regularized lion", "dense clipped"]
)
def test_epochs_in_blocks_give_the_bits_of_epochs_in_one_call(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, once: Once, name: str
) -> None:
    plan = plan_of_case(make_points_plan, name)
    pack, dataset = plan.packs[1], dataset_of(plan)
    whole = once(name, lambda: train_fresh(pack, dataset))
    # About 70 of the 203 rows: several blocks, the last of them shorter, and a remainder.
    monkeypatch.setattr(seqjobs.training.rows, "BLOCK_BYTES", 2000)
    assert same_bits(train_fresh(pack, dataset), whole)


CALLBACKS = {
    "early stopping": "{EarlyStopping: {monitor: val_loss, patience: 1, restore_best_weights: true}}",
    "plateau": "{ReduceLROnPlateau: {monitor: val_loss, factor: 0.1, patience: 0, min_delta: 0.1}}",
    "from an epoch on": "{EarlyStopping: {monitor: loss, patience: 0, min_delta: 10, start_from_epoch: 4}}",
    "nan": "TerminateOnNaN",
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_decide_as_in_stock_fit(make_points_plan: MakePlan, name: str) -> None:
    plan = make_points_plan(
        f"fit.callbacks=[{CALLBACKS[name]}]",
        "fit.epochs=30",
        "compile.optimizer={Adam: {learning_rate: 0.3}}",
        "fit.compile={choice: [stock, graph]}",
        "search.sampler=grid",
    )
    dataset = dataset_of(plan)
    stock, graph = (train_fresh(pack, dataset) for pack in plan.packs)
    assert_close(graph, stock)
    assert graph[0].weights_epoch == stock[0].weights_epoch
    assert (len(stock[0].history["loss"]) == 30) == (name in {"plateau", "nan"})


@pytest.mark.parametrize("callbacks", ["[]", "[TerminateOnNaN]"])
def test_a_loss_that_stops_being_a_number_stops_as_in_stock_fit(make_points_plan: MakePlan, callbacks: str) -> None:
    plan = make_points_plan(
        "data.target=score",
        "model.1.Dense.activation=linear",
        "compile={optimizer: {SGD: {learning_rate: 300}}, loss: mse, metrics: [mae]}",
        "fit.epochs=20",
        f"fit.callbacks={callbacks}",
        "fit.compile={choice: [stock, graph, xla]}",
        "search.sampler=grid",
    )
    dataset = dataset_of(plan)
    stock, *others = (train_fresh(pack, dataset)[0] for pack in plan.packs)
    assert stock.failure is not None
    for outcome in others:
        assert outcome.failure == stock.failure
        for column, values in stock.history.items():
            np.testing.assert_allclose(outcome.history[column], values, rtol=1e-5, err_msg=column)
