"""Lowered convolutions against Keras's own."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from tests.training.lowerings.against_stock import assert_same_function, ordinary, pair

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

# Shape of the inputs, arguments. Few inputs a window go by patches, many by convolutions, windows apart by products.
CONVOLUTIONS: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "patches": ("Conv2D", (5, 9, 8, 1), {"filters": 4, "kernel_size": 3, "activation": "relu"}),
    "patches, same": ("Conv2D", (2, 7, 10, 2), {"filters": 3, "kernel_size": (3, 4), "padding": "same"}),
    "patches, strides": ("Conv2D", (3, 9, 8, 1), {"filters": 5, "kernel_size": 3, "strides": 2}),
    "patches, same, strides": (
        *("Conv2D", (3, 9, 8, 1)),
        {"filters": 5, "kernel_size": 5, "strides": (2, 3), "padding": "same"},
    ),
    "patches, dilation": ("Conv2D", (2, 9, 11, 1), {"filters": 2, "kernel_size": 3, "dilation_rate": (2, 3)}),
    "one row": ("Conv2D", (1, 6, 6, 1), {"filters": 1, "kernel_size": 2, "use_bias": False}),
    "channels": ("Conv2D", (4, 8, 7, 6), {"filters": 5, "kernel_size": 3, "activation": "tanh"}),
    "channels, same": ("Conv2D", (4, 8, 7, 6), {"filters": 5, "kernel_size": (4, 3), "padding": "same"}),
    "channels, strides": ("Conv2D", (3, 10, 9, 7), {"filters": 4, "kernel_size": 3, "strides": 2}),
    "channels, same, strides": (
        *("Conv2D", (3, 10, 9, 7)),
        {"filters": 4, "kernel_size": (5, 4), "strides": (3, 2), "padding": "same"},
    ),
    "channels, uneven strides": ("Conv2D", (3, 12, 9, 7), {"filters": 4, "kernel_size": (5, 3), "strides": (4, 1)}),
    "channels, dilation": ("Conv2D", (2, 9, 11, 6), {"filters": 4, "kernel_size": 3, "dilation_rate": 2}),
    "channels, same, dilation": (
        *("Conv2D", (2, 9, 11, 6)),
        {"filters": 4, "kernel_size": (3, 4), "dilation_rate": (3, 2), "padding": "same"},
    ),
    "one position": ("Conv2D", (3, 5, 4, 6), {"filters": 7, "kernel_size": 1}),
    "one position, strides": ("Conv2D", (3, 6, 5, 6), {"filters": 7, "kernel_size": 1, "strides": 2}),
    "windows apart": ("Conv2D", (2, 9, 8, 3), {"filters": 5, "kernel_size": (2, 3), "strides": 3}),
    "windows apart, same": (
        *("Conv2D", (2, 10, 8, 3)),
        {"filters": 5, "kernel_size": (4, 3), "strides": (4, 3), "padding": "same"},
    ),
    "sequence": ("Conv1D", (4, 20, 8), {"filters": 6, "kernel_size": 5, "activation": "relu"}),
    "sequence, strides": ("Conv1D", (4, 21, 8), {"filters": 6, "kernel_size": 5, "strides": 2, "padding": "same"}),
    "sequence, causal": (
        *("Conv1D", (4, 20, 8)),
        {"filters": 6, "kernel_size": 5, "padding": "causal", "dilation_rate": 3},
    ),
    "sequence, patches": ("Conv1D", (4, 20, 2), {"filters": 6, "kernel_size": 7, "padding": "same"}),
    "volume": ("Conv3D", (2, 5, 6, 7, 3), {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}),
    "volume, patches": ("Conv3D", (2, 5, 6, 7, 1), {"filters": 4, "kernel_size": 3}),
    "backwards": ("Conv2DTranspose", (3, 5, 4, 6), {"filters": 4, "kernel_size": 3, "activation": "relu"}),
    "backwards, strides": ("Conv2DTranspose", (3, 5, 4, 6), {"filters": 4, "kernel_size": 3, "strides": 2}),
    "backwards, same, strides": (
        *("Conv2DTranspose", (3, 5, 4, 6)),
        {"filters": 1, "kernel_size": (4, 3), "strides": 2, "padding": "same"},
    ),
    "backwards, windows apart": ("Conv2DTranspose", (3, 5, 4, 6), {"filters": 3, "kernel_size": 2, "strides": 2}),
    "backwards, output padding": (
        *("Conv2DTranspose", (3, 5, 4, 6)),
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
    ),
    "backwards, sequence": ("Conv1DTranspose", (3, 7, 5), {"filters": 6, "kernel_size": 4, "strides": 3}),
    "groups": ("Conv2D", (3, 6, 6, 4), {"filters": 6, "kernel_size": 3, "groups": 2}),
    "many groups are Keras's": ("Conv2D", (3, 6, 6, 9), {"filters": 9, "kernel_size": 3, "groups": 9}),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_under_xla(case: str) -> None:
    name, shape, arguments = CONVOLUTIONS[case]
    assert_same_function(*pair(name, **arguments), ordinary(*shape), compiled=True)


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_as_a_graph(case: str) -> None:
    name, shape, arguments = CONVOLUTIONS[case]
    assert_same_function(*pair(name, **arguments), ordinary(*shape), compiled=False)


def test_a_length_that_only_the_data_decides_is_keras_s() -> None:
    keras.utils.set_random_seed(0)
    stock, lowered = pair("Conv1D", filters=3, kernel_size=3)
    inputs = keras.Input((None, 4))
    model = keras.Sequential([inputs, lowered])
    stock.build((None, None, 4))
    stock.set_weights(lowered.get_weights())
    values = ordinary(2, 9, 4)
    assert (model(values).numpy() == stock(values).numpy()).all()


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16"])
def test_other_precisions_are_keras_s(policy: str) -> None:
    stock, lowered = pair("Conv2D", filters=3, kernel_size=3, dtype=policy)
    values = ordinary(2, 6, 6, 4)
    stock.build(values.shape)
    lowered.build(values.shape)
    lowered.set_weights(stock.get_weights())
    assert lowered(values).dtype == stock(values).dtype
    assert (lowered(values).numpy() == stock(values).numpy()).all()


def test_channels_first_are_keras_s() -> None:
    """TensorFlow has no such convolution on a CPU: what its own layer raises, this one raises."""
    stock, lowered = pair("Conv2D", filters=3, kernel_size=3, data_format="channels_first")
    lowered.build((2, 4, 6, 6))
    stock.build((2, 4, 6, 6))
    lowered.set_weights(stock.get_weights())
    values = ordinary(2, 4, 6, 6)
    assert lowered.compute_output_shape(values.shape) == stock.compute_output_shape(values.shape)
    try:
        expected = stock(values).numpy()
    except Exception as error:
        with pytest.raises(type(error)):
            lowered(values)
    else:
        assert (lowered(values).numpy() == expected).all()
