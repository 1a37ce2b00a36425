"""Dropout layers whose rate a program takes as an input, with the bits that Keras's layers give a fixed rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import keras
import tensorflow as tf

from seqjobs.planning.template import Template
from seqjobs.training.free_number import FreeNumber


class _Dropping:
    """Keras passes a rate on to an operation of TensorFlow that takes Python numbers, or computes in float32.

    This is its formula (tensorflow/python/ops/nn_ops.py, `_dropout`), with the scale in float64 as Python has it.
    """

    rate: Any
    seed_generator: Any

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not isinstance(self.rate, FreeNumber):
            return super().call(inputs, training=training)  # type: ignore[misc]
        drawn = tf.random.stateless_uniform(self._mask_shape(inputs), _seed(self.seed_generator), dtype=inputs.dtype)
        kept = drawn >= tf.convert_to_tensor(self.rate, inputs.dtype)
        dropped = tf.where(kept, inputs * (1 / (1 - self.rate)), tf.zeros([], inputs.dtype))
        dropped.set_shape(inputs.shape)
        return dropped

    def _mask_shape(self, inputs: Any) -> Any:
        return self._get_noise_shape(inputs)  # type: ignore[attr-defined]


class Dropout(_Dropping, keras.layers.Dropout):  # type: ignore[misc]
    def _mask_shape(self, inputs: Any) -> Any:
        return tf.shape(inputs)  # (the tables offer no noise_shape)


class SpatialDropout1D(_Dropping, keras.layers.SpatialDropout1D):  # type: ignore[misc]
    pass


class SpatialDropout2D(_Dropping, keras.layers.SpatialDropout2D):  # type: ignore[misc]
    pass


class SpatialDropout3D(_Dropping, keras.layers.SpatialDropout3D):  # type: ignore[misc]
    pass


def _seed(generator: Any) -> Any:
    """Return the next seed as Keras gives it to TensorFlow (keras/src/backend/tensorflow/random.py, `_cast_seed`)."""
    seed = tf.convert_to_tensor(generator.next())
    return seed if seed.dtype == tf.int32 else tf.cast(tf.math.floormod(seed, tf.int32.max - 1), tf.int32)


DROPPING: Mapping[str, type[keras.layers.Layer]] = {
    layer.__name__: layer for layer in (Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D)
}
"""By the layer table's names."""


@final
class DropoutRates:
    """The rates of a built model's dropout layers, as variables."""

    def __init__(self, model: keras.Sequential, template: Template, numbers: tuple[float, ...]) -> None:
        self._variables: dict[int, Any] = {}
        for index in template.rates:
            layer = model.layers[template.paths[index][1]]
            # Not a variable of the layer: it belongs to no trial, and is no part of a checkpoint.
            self._variables[index] = tf.Variable(numbers[index], dtype=tf.float64, trainable=False)
            layer.rate = FreeNumber(numbers[index], self._variables[index])

    def reset(self, numbers: tuple[float, ...]) -> None:
        """Give the layers the rates of another trial of the template."""
        for index, variable in self._variables.items():
            variable.assign(numbers[index])
