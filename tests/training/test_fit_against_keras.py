"""A trial against plain `keras.Sequential.fit`, written out by hand with the same seed and the same order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest

from seqjobs.execution.in_process import InProcess
from seqjobs.planning.plan import Plan
from seqjobs.training.epoch_order import epoch_order
from seqjobs.training.outcome import TrialOutcome, Weights
from tests.conftest import MakePlan
from tests.training.conftest import Once

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

FEATURES = [f"x{index}" for index in range(6)]

Plain = tuple[list[Any], dict[str, list[float]]]
"""The weights and the history of a plain fit."""


def train(plan: Plan) -> tuple[TrialOutcome, Weights]:
    """The first trial of a plan, trained in this process."""
    with InProcess() as executor:
        executor.load(plan.datasets)
        for event in executor.run(plan.packs[:1], {}):
            if members := getattr(event, "members", None):
                return members[0].outcome, members[0].fetch_weights()
    raise AssertionError("the pack did not end")


def rows(path: Path, target: str) -> tuple[Any, Any]:
    table = pq.read_table(path)
    features = np.stack([table[name].to_numpy() for name in FEATURES], axis=1)
    return features, table[target].to_numpy()


def assert_same(outcome: TrialOutcome, weights: Weights, plain: Plain) -> None:
    """Equal, but for the order in which a compiler adds: Keras's own `fit` leaves it none."""
    expected, history = plain
    assert outcome.failure is None
    assert list(outcome.history) == list(history)
    stock = outcome.compiled == "stock"
    for column, values in history.items():
        np.testing.assert_allclose(outcome.history[column], values, rtol=1e-6 if stock else 1e-5, err_msg=column)
    for ours, theirs in zip(weights, expected, strict=True):
        rtol, atol = (1e-6, 1e-7) if stock else (1e-4, 1e-6)
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


@pytest.mark.parametrize("compiled", ["stock", "graph", "xla", "eager"])
def test_a_binary_classifier_with_validation_data(
    points: Path, make_points_plan: MakePlan, once: Once, compiled: str
) -> None:
    shuffle, batches = "fit.shuffle=false", "fit.batch_size=32"
    outcome, weights = train(make_points_plan(shuffle, batches, "seed=3", f"fit.compile={compiled}"))
    assert outcome.compiled == compiled
    assert_same(outcome, weights, once("binary", lambda: plain_binary(points)))
    assert outcome.weights_epoch == 2


def plain_binary(points: Path) -> Plain:
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    x, y = rows(points / "train.parquet", "yes")
    history = model.fit(
        x,
        y.astype("float32"),
        epochs=3,
        batch_size=32,
        shuffle=False,
        verbose=0,
        validation_data=rows(points / "test.parquet", "yes"),
        validation_batch_size=32,
    ).history
    return model.get_weights(), history


DROPOUT_SPEC = """
name: points
data: {train: train.parquet, features: [x0, x1, x2, x3, x4, x5], target: word}
model:
  - Dense: {units: 16, activation: relu}
  - Dropout: {rate: 0.2}
  - Dense: {units: 4, activation: softmax}
compile: {optimizer: rmsprop, loss: categorical_crossentropy, metrics: [accuracy]}
fit: {epochs: 3, batch_size: 25, validation_split: 0.2}
"""


# Under XLA the masks of dropout are others, by design.
@pytest.mark.parametrize("compiled", ["stock", "graph", "eager"])
def test_a_classifier_of_words_with_dropout_and_a_validation_split_in_our_order(
    points: Path, make_points_plan: MakePlan, once: Once, compiled: str
) -> None:
    outcome, weights = train(make_points_plan("seed=5", f"fit.compile={compiled}", text=DROPOUT_SPEC))
    assert_same(outcome, weights, once("words", lambda: plain_words(points)))


def plain_words(points: Path) -> Plain:
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    x, words = rows(points / "train.parquet", "word")
    y = np.eye(4, dtype="float32")[np.searchsorted(["high", "low", "mid", "top"], words.astype(str))]
    # Keras's own split of 203 rows at 0.2: the last 41 validate.
    x_train, y_train, x_valid, y_valid = x[:162], y[:162], x[162:], y[162:]
    histories: dict[str, list[float]] = {}
    for epoch in range(3):
        order = epoch_order(162, seed=5, epoch=epoch)
        part = model.fit(
            x_train[order],
            y_train[order],
            batch_size=25,
            shuffle=False,
            verbose=0,
            validation_data=(x_valid, y_valid),
            validation_batch_size=25,
        ).history
        for column, values in part.items():
            histories.setdefault(column, []).extend(values)
    return model.get_weights(), histories


IMAGE_SPEC = """
name: digits
data:
  train: digits/train.parquet
  validation: digits/test.parquet
  features: {image: {rescale: 0.0625, shape: [8, 8, 1]}}
  target: label
model:
  - Conv2D: {filters: 8, kernel_size: 3, activation: relu, kernel_regularizer: {l2: 1e-4}}
  - MaxPooling2D
  - BatchNormalization
  - Flatten
  - Dense: {units: 10, activation: softmax}
compile:
  optimizer: {SGD: {learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 20, decay_rate: 0.9}},
                    momentum: 0.9}}
  loss: sparse_categorical_crossentropy
  metrics: [accuracy, {SparseTopKCategoricalAccuracy: {k: 3}}]
fit: {epochs: 2, batch_size: 100, shuffle: false}
"""


@pytest.mark.parametrize("compiled", ["stock", "graph", "xla"])
def test_a_convolutional_digit_classifier(
    make_points_plan: MakePlan, jobs_data: Path, once: Once, compiled: str
) -> None:
    text = IMAGE_SPEC.replace("digits/", f"{jobs_data}/digits/")
    outcome, weights = train(make_points_plan(f"fit.compile={compiled}", text=text))
    assert_same(outcome, weights, once("digits", lambda: plain_digits(jobs_data)))


def plain_digits(jobs_data: Path) -> Plain:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-4)),
            layers.MaxPooling2D(),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 20, 0.9)
    metrics = ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(3, name="sparse_top_k_categorical_accuracy")]
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=metrics, jit_compile=False)
    splits = []
    for name in ("train", "test"):
        table = pq.read_table(jobs_data / "digits" / f"{name}.parquet")
        pixels = np.stack(table["image"].to_numpy()).reshape(-1, 8, 8, 1).astype("float32") / 16
        splits.append((pixels, table["label"].to_numpy()))
    history = model.fit(
        *splits[0], epochs=2, batch_size=100, shuffle=False, verbose=0, validation_data=splits[1],
        validation_batch_size=100,
    ).history  # fmt: skip
    return model.get_weights(), history
