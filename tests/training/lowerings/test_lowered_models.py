"""Models of lowered layers train as Keras's own do."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from seqjobs.tables import LAYERS
from seqjobs.training.lowerings import LOWERED
from tests.training.lowerings.against_stock import ordinary

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

STOCK: Mapping[str, Any] = {name: getattr(keras.layers, name) for name in LAYERS.entries}
# In the layer table's names, as a model is built.
KINDS: Mapping[str, Mapping[str, Any]] = {"stock": STOCK, "lowered": {**STOCK, **LOWERED}}


@pytest.mark.parametrize("name", LOWERED)
def test_each_stands_for_keras_s_layer_of_its_name(name: str) -> None:
    lowered, stock = LOWERED[name], STOCK[name]
    assert issubclass(lowered, stock)
    assert lowered.__name__ == stock.__name__ == name
    assert inspect.signature(lowered) == inspect.signature(stock)
    overridden = {word for word in vars(lowered) if not word.startswith("_") and hasattr(stock, word)}
    assert overridden == {"call"}


def images(kind: Mapping[str, Any]) -> list[Any]:
    return [
        kind["Conv2D"](8, 3, activation="relu", padding="same", kernel_regularizer=keras.regularizers.L2(1e-4)),
        kind["MaxPooling2D"](),
        kind["Conv2D"](12, 3, strides=2, padding="same"),
        kind["BatchNormalization"](),
        kind["Activation"]("relu"),
        kind["AveragePooling2D"](2, strides=1),
        kind["Conv2DTranspose"](4, 3, strides=2, activation="relu"),
        kind["MaxPooling2D"](3, strides=2, padding="same"),
        kind["Dropout"](0.0),
        kind["Flatten"](),
        kind["Dense"](3, activation="softmax"),
    ]


def sequences(kind: Mapping[str, Any]) -> list[Any]:
    return [
        kind["Conv1D"](8, 5, padding="causal", activation="relu"),
        kind["Conv1D"](8, 3, dilation_rate=2),
        kind["MaxPooling1D"](3),
        kind["Conv1DTranspose"](5, 2, strides=2),
        kind["AveragePooling1D"](2),
        kind["LSTM"](6),
        kind["Dense"](3, activation="softmax"),
    ]


def build(make: Any, kind: str, rows: Any) -> Any:
    """A model with all its variables."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(11)
    model = keras.Sequential([keras.Input(rows[0].shape[1:]), *make(KINDS[kind])])
    # SGD, for Adam turns the rounding of a gradient near 0 into a whole step.
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    model.test_step(rows)
    return model


def train(model: Any, kind: str, rows: Any, steps: int) -> Any:
    """What takes some steps on the same rows and returns the mean loss, lowered models under XLA."""

    def run() -> Any:
        model.reset_metrics()

        def step(index: Any) -> Any:
            model.train_step(rows)
            return index + 1

        tf.while_loop(lambda index: index < steps, step, [tf.constant(0)], parallel_iterations=1)
        return model.get_metrics_result()["loss"]

    return tf.function(run, jit_compile=kind == "lowered", autograph=False)


@pytest.mark.parametrize(("make", "shape"), [(images, (13, 12, 1)), (sequences, (24, 3))])
def test_weights_and_training_are_keras_s(make: Any, shape: tuple[int, ...]) -> None:
    rows = tf.constant(ordinary(40, *shape)), tf.constant(np.arange(40) % 3)
    models = {kind: build(make, kind, rows) for kind in KINDS}
    stock, lowered = models["stock"], models["lowered"]
    assert [(v.path, v.shape) for v in lowered.variables] == [(v.path, v.shape) for v in stock.variables]
    for ours, theirs in zip(lowered.get_weights(), stock.get_weights(), strict=True):
        assert (ours == theirs).all()
    functions = {kind: train(model, kind, rows, 2) for kind, model in models.items()}
    for _ in range(3):
        losses = {kind: function().numpy() for kind, function in functions.items()}
        np.testing.assert_allclose(losses["lowered"], losses["stock"], rtol=1e-5)
    for ours, theirs in zip(lowered.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * max(1, np.abs(theirs).max()))


def drops(kind: Mapping[str, Any]) -> list[Any]:
    return [
        kind["Dense"](24, activation="relu"),
        kind["Dropout"](0.4),
        kind["Dense"](16, activation="relu"),
        kind["GaussianDropout"](0.2),
        kind["Dense"](2, activation="softmax"),
    ]


def test_dropout_regularizes_as_keras_s() -> None:
    """Other masks of the same kind: the loss on rows not trained on ends where it does with Keras's, seeds apart."""
    inputs = ordinary(600, 8)
    target = (inputs[:, 0] * inputs[:, 1] + 0.3 * ordinary(600, seed=1) > 0).astype(int)
    rows, others = ((tf.constant(inputs[part]), tf.constant(target[part])) for part in (slice(300), slice(300, None)))
    ends: dict[str, Any] = {}
    for kind in KINDS:
        model = build(drops, kind, rows)
        function = train(model, kind, rows, 100)
        # Behind the optimizer's number of steps and learning rate.
        changing = [*model.trainable_variables, *model.optimizer.variables[2:]]
        initial = [variable.numpy() for variable in changing]
        states = [layer.seed_generator.state for layer in model.layers if hasattr(layer, "seed_generator")]
        losses = []
        for seed in range(16):
            for variable, value in zip(changing, initial, strict=True):
                variable.assign(value)
            for index, state in enumerate(states):
                state.assign([1000 * index + seed, 0])
            function()
            model.reset_metrics()
            losses.append(float(model.test_step(others)["loss"]))
            assert [int(state.numpy()[1]) for state in states] == [100, 100]
        ends[kind] = np.array(losses)
    ours, theirs = ends["lowered"], ends["stock"]
    assert ours.mean() != theirs.mean()
    assert abs(ours.mean() - theirs.mean()) < 3 * np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / 16)
    assert 0.4 < ours.std() / theirs.std() < 2.5
