"""A lowered layer against Keras's own, with the same weights and inputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqjobs.training.lowerings import LOWERED

Array = Any


def pair(name: str, *arguments: Any, **named: Any) -> tuple[Any, Any]:
    """Keras's layer and the lowered one, not built yet."""
    return getattr(keras.layers, name)(*arguments, **named), LOWERED[name](*arguments, **named)


def assert_same_function(
    stock: Any, lowered: Any, inputs: Array, *, compiled: bool, tolerance: float = 2e-5, training: bool = False
) -> None:
    """Outputs and the gradients of inputs and weights are equal, by XLA (`compiled`) or TensorFlow's graph.

    Differences are in proportion to the largest value of each.
    """
    stock.build(inputs.shape)
    lowered.build(inputs.shape)
    assert [weight.shape for weight in lowered.weights] == [weight.shape for weight in stock.weights]
    lowered.set_weights(stock.get_weights())
    # The reference is computed without XLA, some of whose own gradients are missing under deterministic ops.
    expected = _values_and_gradients(stock, inputs, compiled=False, training=training)
    found = _values_and_gradients(lowered, inputs, compiled=compiled, training=training)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(1e-6, np.abs(theirs).max(initial=0)))


def _values_and_gradients(layer: Any, inputs: Array, *, compiled: bool, training: bool) -> list[Array]:
    weights = [weight.value for weight in layer.trainable_weights]

    def compute(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=training)
            # Every output counts by another amount.
            amounts = tf.cos(tf.reshape(tf.range(tf.size(outputs), dtype=tf.float32), tf.shape(outputs)))
            loss = tf.reduce_sum(outputs * amounts)
        return [outputs, *tape.gradient(loss, [inputs, *weights], unconnected_gradients="zero")]

    function = tf.function(compute, jit_compile=compiled, autograph=False)
    return [np.asarray(value) for value in function(tf.constant(inputs))]


def ordinary(*shape: int, seed: int = 0) -> Array:
    """Values of both signs, all different."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def tied(*shape: int, seed: int = 0) -> Array:
    """Values of which most are the same as a neighbour's, many of them 0."""
    return np.random.default_rng(seed).integers(-1, 2, size=shape).clip(0).astype(np.float32)
