"""Lowered pooling against Keras's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seqjobs.training.devices import has_onednn
from tests.training.lowerings.against_stock import assert_same_function, ordinary, pair, tied

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

# Rank, spatial shape, arguments.
WINDOWS: dict[str, tuple[int, tuple[int, ...], dict[str, Any]]] = {
    "tiles": (2, (8, 6), {"pool_size": 2}),
    "tiles with a rest": (2, (9, 7), {"pool_size": 2}),
    "tiles of 3x2": (2, (10, 8), {"pool_size": (3, 2)}),
    "tiles, same": (2, (8, 6), {"pool_size": 2, "padding": "same"}),
    "padded tiles": (2, (7, 8), {"pool_size": 3, "padding": "same"}),
    "overlapping": (2, (9, 8), {"pool_size": 3, "strides": 2}),
    "overlapping, same": (2, (9, 8), {"pool_size": (3, 4), "strides": (2, 1), "padding": "same"}),
    "apart": (2, (11, 9), {"pool_size": 2, "strides": 3}),
    "mixed": (2, (9, 9), {"pool_size": (2, 3), "strides": (2, 1)}),
    "all in one": (2, (4, 5), {"pool_size": (4, 5)}),
    "sequence": (1, (13,), {"pool_size": 3}),
    "sequence, overlapping": (1, (13,), {"pool_size": 3, "strides": 1, "padding": "same"}),
    "volume": (3, (4, 5, 6), {"pool_size": 2}),
}


def layers(kind: str, case: str) -> tuple[Any, Any, tuple[int, ...]]:
    rank, spatial, arguments = WINDOWS[case]
    return *pair(f"{kind}Pooling{rank}D", **arguments), (3, *spatial, 4)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("case", WINDOWS)
def test_values_and_gradients(kind: str, case: str, compiled: bool) -> None:
    stock, lowered, shape = layers(kind, case)
    assert_same_function(stock, lowered, ordinary(*shape), compiled=compiled)


# Without oneDNN TensorFlow's own gradient of a volume goes to every maximum at once.
ONE_OF_MANY = sorted(WINDOWS) if has_onednn() else sorted(set(WINDOWS) - {"volume"})


def many_ties(shape: tuple[int, ...]) -> Any:
    """Behind a relu most windows hold several zeros."""
    inputs = tied(*shape)
    return np.concatenate([inputs, tied(*shape, seed=1), np.zeros_like(inputs[:1]), -np.ones_like(inputs[:1])])


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("case", ONE_OF_MANY)
def test_of_equal_maxima_the_same_one_gets_the_gradient(case: str, compiled: bool) -> None:
    stock, lowered, shape = layers("Max", case)
    assert_same_function(stock, lowered, many_ties(shape), compiled=compiled)


@pytest.mark.parametrize("compiled", [True, False])
def test_of_equal_maxima_of_a_volume_the_first_gets_the_gradient(compiled: bool) -> None:
    _, lowered, shape = layers("Max", "volume")
    inputs = many_ties(shape)
    expected = np.zeros_like(inputs)
    for row, plane, line, place, channel in np.ndindex(len(inputs), 2, 2, 3, shape[-1]):
        tile = (row, *(slice(2 * n, 2 * n + 2) for n in (plane, line, place)), channel)
        expected[tile].flat[np.argmax(inputs[tile])] = 1

    def gradient(values: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = tf.reduce_sum(lowered(values))
        return tape.gradient(total, values)

    found = tf.function(gradient, jit_compile=compiled, autograph=False)(tf.constant(inputs))
    assert (found.numpy() == expected).all()


@pytest.mark.parametrize("name", ["MaxPooling2D", "AveragePooling2D"])
def test_other_precisions_are_keras_s(name: str) -> None:
    stock, lowered = pair(name, pool_size=2, dtype="float16")
    values = ordinary(2, 6, 6, 4)
    assert lowered(values).dtype == stock(values).dtype == "float16"
    assert (lowered(values).numpy() == stock(values).numpy()).all()
