"""Keras's layers that act in training alone, lowered; each has the name of the layer that it stands for.

They draw from their seed generators as Keras's do, so that the states mean the same; which values are drawn differs.
"""

from __future__ import annotations

from math import prod
from typing import Any, final

import keras
import tensorflow as tf

from seqjobs.training import dropout_rates
from seqjobs.training.lowerings.branches import once
from seqjobs.training.lowerings.counter_hash import keep_mask, normal

_MANY = 2**16


@final
class Dropout(dropout_rates.Dropout):
    def call(self, inputs: Any, training: bool = False) -> Any:
        if not _acts(self, inputs, training):
            return super().call(inputs, training=training)
        return _dropped(self, inputs, self.noise_shape)


@final
class SpatialDropout1D(dropout_rates.SpatialDropout1D):
    def call(self, inputs: Any, training: bool = False) -> Any:
        if not _acts(self, inputs, training):
            return super().call(inputs, training=training)
        return _dropped(self, inputs, self._get_noise_shape(inputs))


@final
class SpatialDropout2D(dropout_rates.SpatialDropout2D):
    def call(self, inputs: Any, training: bool = False) -> Any:
        if not _acts(self, inputs, training):
            return super().call(inputs, training=training)
        return _dropped(self, inputs, self._get_noise_shape(inputs))


@final
class SpatialDropout3D(dropout_rates.SpatialDropout3D):
    def call(self, inputs: Any, training: bool = False) -> Any:
        if not _acts(self, inputs, training):
            return super().call(inputs, training=training)
        return _dropped(self, inputs, self._get_noise_shape(inputs))


@final
class AlphaDropout(keras.layers.AlphaDropout):  # type: ignore[misc]
    def call(self, inputs: Any, training: bool = False) -> Any:
        if not _acts(self, inputs, training):
            return super().call(inputs, training=training)
        # Of https://arxiv.org/abs/1706.02515, with the fixed point's alpha and scale: what is dropped gets selu's
        # limit, and the scaling keeps mean 0 and variance 1.
        limit = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
        factor = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5
        kept = keep_mask(_mask_shape(inputs, self.noise_shape), self.seed_generator.next(), self.rate)
        return factor * tf.where(kept, inputs, limit) - factor * limit * self.rate


@final
class GaussianDropout(keras.layers.GaussianDropout):  # type: ignore[misc]
    def call(self, inputs: Any, training: bool = False) -> Any:
        if not _acts(self, inputs, training):
            return super().call(inputs, training=training)
        deviation = (self.rate / (1 - self.rate)) ** 0.5
        return inputs * (1 + deviation * normal(_mask_shape(inputs, None), self.seed_generator.next()))


@final
class GaussianNoise(keras.layers.GaussianNoise):  # type: ignore[misc]
    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.stddev or inputs.dtype != "float32":
            return super().call(inputs, training=training)
        return inputs + self.stddev * normal(_mask_shape(inputs, None), self.seed_generator.next())


def _acts(layer: Any, inputs: Any, training: bool) -> bool:
    """Whether there is anything to draw; of a rate of 1, which draws nothing, Keras has its own idea."""
    return bool(training and 0 < layer.rate < 1 and inputs.dtype == "float32")


def _dropped(layer: Any, inputs: Any, noise_shape: Any) -> Any:
    shape, seed = _mask_shape(inputs, noise_shape), layer.seed_generator.next()

    def draw() -> Any:
        return keep_mask(shape, seed, layer.rate)

    def draw_turned() -> Any:
        return tf.transpose(keep_mask(shape[::-1], seed, layer.rate))

    # XLA draws anew wherever a mask is used, behind a MaxPooling2D eight times a value, and for every value that shares
    # a draw: 36 ms where 12 do (26x26x32, batch 128). Hence a branch; one of elementwise operations alone it takes
    # away, hence the transposition of masks that are small.
    if noise_shape is not None:
        kept = once(seed[0] < seed[1], draw_turned)
    elif None not in inputs.shape and prod(inputs.shape) >= _MANY:
        kept = once(seed[0] < seed[1], draw)
    else:
        kept = draw()
    return tf.where(kept, inputs * (1 / (1 - layer.rate)), tf.zeros([], inputs.dtype))


def _mask_shape(inputs: Any, noise_shape: Any) -> Any:
    """The shape of the draws, a tensor where the batch's size is not known yet; None stands for the input's size."""
    sizes = tf.shape(inputs)
    known = [sizes[axis] if size is None else size for axis, size in enumerate(inputs.shape)]
    return [own if given is None else given for own, given in zip(known, noise_shape or known, strict=True)]
