"""Lowered dropout and noise against Keras's own: what they do to values, and how their states go on."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.lowerings.against_stock import assert_same_function, ordinary, pair

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

# Name, arguments, shape of the inputs, and along which axes one draw stands for all.
LAYERS: dict[str, tuple[str, dict[str, Any], tuple[int, ...], tuple[int, ...]]] = {
    "Dropout": ("Dropout", {"rate": 0.3}, (50, 40), ()),
    "Dropout of images": ("Dropout", {"rate": 0.5}, (10, 6, 5, 7), ()),
    "Dropout of a noise shape": ("Dropout", {"rate": 0.3, "noise_shape": (None, 1, 7)}, (50, 6, 7), (1,)),
    "SpatialDropout1D": ("SpatialDropout1D", {"rate": 0.3}, (50, 6, 40), (1,)),
    "SpatialDropout2D": ("SpatialDropout2D", {"rate": 0.3}, (50, 6, 5, 40), (1, 2)),
    "SpatialDropout3D": ("SpatialDropout3D", {"rate": 0.3}, (50, 2, 3, 4, 40), (1, 2, 3)),
    "AlphaDropout": ("AlphaDropout", {"rate": 0.3}, (50, 40), ()),
    "GaussianDropout": ("GaussianDropout", {"rate": 0.3}, (50, 40), ()),
    "GaussianNoise": ("GaussianNoise", {"stddev": 0.3}, (50, 40), ()),
}


def state(layer: Any) -> list[int]:
    return list(layer.seed_generator.state.numpy())


def calls(layer: Any, inputs: Any, number: int, *, compiled: bool = False) -> list[Any]:
    call = tf.function(lambda values: layer(values, training=True), jit_compile=compiled, autograph=False)
    return [call(tf.constant(inputs)).numpy() for _ in range(number)]


@pytest.mark.parametrize("case", LAYERS)
def test_the_state_goes_on_as_keras_s(case: str) -> None:
    name, arguments, shape, _ = LAYERS[case]
    stock, lowered = pair(name, seed=77, **arguments)
    assert lowered.name.rstrip("_0123456789") == stock.name.rstrip("_0123456789")
    assert lowered.get_config() == {**stock.get_config(), "name": lowered.name}
    assert [variable.path.split("/")[-1] for variable in lowered.variables] == [
        variable.path.split("/")[-1] for variable in stock.variables
    ]
    inputs = ordinary(*shape)
    for _ in range(3):
        assert state(lowered) == state(stock)
        stock(inputs, training=True)
        lowered(inputs, training=True)
    assert (lowered(inputs, training=False).numpy() == inputs).all()
    assert state(lowered) == state(stock) == [77, 3]


@pytest.mark.parametrize("case", LAYERS)
def test_the_state_alone_decides(case: str) -> None:
    name, arguments, shape, _ = LAYERS[case]
    _, layer = pair(name, seed=5, **arguments)
    inputs = ordinary(*shape)
    first, second = calls(layer, inputs, 2)
    assert (first != second).any()
    layer.seed_generator.state.assign([5, 0])
    again = calls(layer, inputs, 2, compiled=True)
    np.testing.assert_allclose(again, [first, second], rtol=1e-5, atol=1e-6)
    layer.seed_generator.state.assign([6, 0])
    assert (calls(layer, inputs, 1)[0] != first).any()


@pytest.mark.parametrize("case", [case for case in LAYERS if "Gaussian" not in case and "Alpha" not in case])
def test_dropout_zeroes_its_share_and_scales_the_rest(case: str) -> None:
    name, arguments, shape, shared = LAYERS[case]
    rate = arguments["rate"]
    _, layer = pair(name, seed=3, **arguments)
    inputs = ordinary(*shape)
    kept = []
    for output in calls(layer, inputs, 20, compiled=True):
        mask = output != 0
        np.testing.assert_allclose(output, np.where(mask, inputs / (1 - rate), 0), rtol=1e-6)
        first = mask
        for axis in shared:
            first = first.take([0], axis)
        assert (mask == first).all()
        kept.append(first)
    share = np.stack(kept)
    assert abs(share.mean() - (1 - rate)) < 5 * math.sqrt(rate * (1 - rate) / share.size)
    rows = share.reshape(20, shape[0], -1)
    assert (rows[:, :-1] != rows[:, 1:]).any(axis=2).mean() > 0.8, "rows of a batch have masks of their own"


@pytest.mark.parametrize("compiled", [True, False])
def test_the_gradient_passes_where_values_do(compiled: bool) -> None:
    _, layer = pair("Dropout", 0.4, seed=1)
    inputs = tf.constant(ordinary(30, 20))

    def compute(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        return outputs, tape.gradient(outputs, inputs)

    outputs, gradient = tf.function(compute, jit_compile=compiled, autograph=False)(inputs)
    np.testing.assert_allclose(gradient, np.where(outputs.numpy() != 0, 1 / 0.6, 0), rtol=1e-6)


def test_alpha_dropout_keeps_mean_and_variance_and_has_keras_s_two_lines() -> None:
    stock, lowered = pair("AlphaDropout", 0.3, seed=1)
    inputs = ordinary(400, 500)
    ours, theirs = calls(lowered, inputs, 1, compiled=True)[0], calls(stock, inputs, 1)[0]
    assert abs(ours.mean()) < 0.02
    assert abs(ours.var() - 1) < 0.02
    # The same number for all that is dropped, the same line over the inputs for what is kept.
    dropped = np.bincount((theirs.reshape(-1) * 1e4 + 10**6).round().astype(int)).argmax() / 1e4 - 100
    both = (np.abs(ours - dropped) > 1e-4) & (np.abs(theirs - dropped) > 1e-4)
    np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-4, atol=1e-5)
    share = (np.abs(ours - dropped) < 1e-4).mean()
    assert abs(share - 0.3) < 5 * math.sqrt(0.21 / inputs.size)


def test_gaussian_layers_have_keras_s_moments() -> None:
    ones = np.ones((500, 500), np.float32)
    for name, argument, deviation in (("GaussianDropout", 0.2, 0.5), ("GaussianNoise", 0.5, 0.5)):
        stock, lowered = pair(name, argument, seed=1)
        for output in (calls(lowered, ones, 1, compiled=True)[0], calls(stock, ones, 1)[0]):
            assert abs(output.mean() - 1) < 5 * deviation / 500
            assert abs(output.std() - deviation) < 5 * deviation / math.sqrt(2 * 250_000)


@pytest.mark.parametrize("rate", [0, 1])
def test_the_ends_of_the_rates_are_keras_s(rate: float) -> None:
    stock, lowered = pair("Dropout", rate)
    assert_same_function(stock, lowered, ordinary(5, 6), compiled=True, training=True)


def test_other_precisions_are_keras_s() -> None:
    stock, lowered = pair("Dropout", 0.5, seed=4, dtype="float64")
    inputs = ordinary(20, 30).astype(np.float64)
    assert (calls(lowered, inputs, 1)[0] == calls(stock, inputs, 1)[0]).all()
    assert state(lowered) == state(stock)


def test_layers_draw_apart_in_a_model() -> None:
    keras.utils.set_random_seed(1)
    layers = [pair("Dropout", 0.5)[1] for _ in range(2)]
    model = keras.Sequential([keras.Input((400,)), *layers])
    ones = np.ones((100, 400), np.float32)
    first = calls(layers[0], ones, 1)[0] != 0
    second = calls(layers[1], ones, 1)[0] != 0
    assert abs((first == second).mean() - 0.5) < 5 * 0.5 / math.sqrt(first.size)
    both = calls(model, ones, 1, compiled=True)[0] != 0
    assert abs(both.mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / both.size)
