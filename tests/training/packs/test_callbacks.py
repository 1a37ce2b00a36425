"""Callbacks of a pack decide for each member as Keras's own object would, epoch for epoch."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.sections import parse_callbacks
from seqjobs.tables import Named
from seqjobs.training.model import build
from seqjobs.training.packs.callbacks import pack_callback

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

MEMBERS, EPOCHS = 3, 9


class Held:
    """What a callback sees of a program: weights that say which epoch they are of, and learning rates."""

    def __init__(self, model: keras.Sequential) -> None:
        self.model = model
        self.weights: tuple[Any, ...] = ()
        self.learning_rates = np.full(MEMBERS, 0.5, np.float32)

    def be_at(self, epoch: int) -> None:
        self.weights = (tf.constant(np.full((MEMBERS, 2, 1), epoch, np.float32)), tf.zeros([MEMBERS, 1]) + epoch)


@pytest.fixture(scope="module")
def model(runner: Any) -> keras.Sequential:  # noqa: ARG001 (starts TensorFlow)
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse", metrics=["accuracy"])
    made.test_on_batch(np.zeros((2, 2)), np.zeros((2, 1)))
    return made


def entry(written: Any) -> Named:
    (named,) = parse_callbacks([written], (), Problems()) or ()
    return named


def alone(named: Named, model: keras.Sequential, values: np.ndarray[Any, Any]) -> tuple[int, list[float], Any]:
    """How many epochs Keras's own callback lets a member train, its learning rates, and the weights in the end."""
    callback = build(named)
    callback.set_model(model)
    model.stop_training = False
    model.optimizer.learning_rate = 0.5
    rates: list[float] = []
    callback.on_train_begin()
    epoch = -1
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        model.set_weights([np.full((2, 1), epoch), np.full(1, epoch)])
        logs = {"val_loss": float(value), "loss": 0.0}
        rates.append(float(model.optimizer.learning_rate.numpy()))
        callback.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch + 1, rates, model.get_weights()[0][0, 0]


NUMBERS = st.sampled_from([0.0, 0.1, 0.10001, 0.2, 0.3, 0.5, 1.0, float("nan"), -1.0])


@given(data=st.data())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_early_stopping(model: keras.Sequential, data: st.DataObject) -> None:
    arguments = {
        "monitor": "val_loss",
        "mode": data.draw(st.sampled_from(["auto", "min", "max"])),
        "min_delta": data.draw(st.sampled_from([0.0, 0.05, 0.1])),
        "patience": data.draw(st.integers(0, 3)),
        "restore_best_weights": data.draw(st.booleans()),
        "start_from_epoch": data.draw(st.integers(0, 3)),
        "baseline": data.draw(st.sampled_from([None, 0.2])),
    }
    named = entry({"EarlyStopping": arguments})
    values = np.array(data.draw(st.lists(NUMBERS, min_size=MEMBERS * EPOCHS, max_size=MEMBERS * EPOCHS)))
    values = values.reshape(MEMBERS, EPOCHS)
    held = Held(model)
    callback = pack_callback(named, held, MEMBERS)  # type: ignore[arg-type]
    training, lengths = np.ones(MEMBERS, bool), np.zeros(MEMBERS, int)
    ends = np.zeros(MEMBERS)
    for epoch in range(EPOCHS):
        held.be_at(epoch)
        lengths[training] += 1
        ends[training] = epoch
        training = training & ~callback.on_epoch_end(epoch, {"val_loss": values[:, epoch]}, training)
    found = callback.restored()
    if found is not None:
        ends = np.where(found[0], np.asarray(found[2][0])[:, 0, 0], ends)
        assert (found[1] == ends).all()
    for member in range(MEMBERS):
        epochs, _, weights = alone(named, model, values[member])
        assert lengths[member] == epochs
        assert ends[member] == weights


@given(data=st.data())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_reduce_learning_rate(model: keras.Sequential, data: st.DataObject) -> None:
    arguments = {
        "monitor": "val_loss",
        "factor": data.draw(st.sampled_from([0.1, 0.5])),
        "patience": data.draw(st.integers(0, 3)),
        "min_delta": data.draw(st.sampled_from([0.0, 0.05])),
        "cooldown": data.draw(st.integers(0, 2)),
        "min_lr": data.draw(st.sampled_from([0.0, 0.01, 0.1])),
    }
    named = entry({"ReduceLROnPlateau": arguments})
    values = np.array(data.draw(st.lists(NUMBERS, min_size=MEMBERS * EPOCHS, max_size=MEMBERS * EPOCHS)))
    values = values.reshape(MEMBERS, EPOCHS)
    held = Held(model)
    callback = pack_callback(named, held, MEMBERS)  # type: ignore[arg-type]
    rates = []
    for epoch in range(EPOCHS):
        logs = {"val_loss": values[:, epoch]}
        assert not callback.on_epoch_end(epoch, logs, np.ones(MEMBERS, bool)).any()
        rates.append(logs["learning_rate"])
    for member in range(MEMBERS):
        assert [rate[member] for rate in rates] == alone(named, model, values[member])[1]


def test_a_metric_that_is_better_when_larger(model: keras.Sequential) -> None:
    named = entry({"EarlyStopping": {"monitor": "val_accuracy", "patience": 0}})
    held = Held(model)
    callback = pack_callback(named, held, MEMBERS)  # type: ignore[arg-type]
    everybody = np.ones(MEMBERS, bool)
    assert not callback.on_epoch_end(0, {"val_accuracy": np.array([0.1, 0.5, 0.9])}, everybody).any()
    stopped = callback.on_epoch_end(1, {"val_accuracy": np.array([0.2, 0.5, 0.8])}, everybody)
    assert stopped.tolist() == [False, True, True]
