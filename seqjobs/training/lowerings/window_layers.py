"""Keras's convolution and pooling layers, lowered; each has the name of the layer that it stands for.

What the lowering does not know, it leaves to Keras: channels first, many groups, precisions other than float32, axes
whose length only the data decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import keras
import tensorflow as tf

from seqjobs.training.lowerings.convolution import convolve, convolve_backwards
from seqjobs.training.lowerings.pooling import average_pool, max_pool
from seqjobs.training.lowerings.windows import Window, lay_windows

Call = Callable[[Any], Any]

# Each group is a convolution of its own, to compile and to run.
_MOST_GROUPS = 8


@final
class Conv1D(keras.layers.Conv1D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _convolved(self, inputs, super().call)


@final
class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _convolved(self, inputs, super().call)


@final
class Conv3D(keras.layers.Conv3D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _convolved(self, inputs, super().call)


@final
class Conv1DTranspose(keras.layers.Conv1DTranspose):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _convolved_backwards(self, inputs, super().call)


@final
class Conv2DTranspose(keras.layers.Conv2DTranspose):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _convolved_backwards(self, inputs, super().call)


@final
class MaxPooling1D(keras.layers.MaxPooling1D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _pooled(max_pool, self, inputs, super().call)


@final
class MaxPooling2D(keras.layers.MaxPooling2D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _pooled(max_pool, self, inputs, super().call)


@final
class MaxPooling3D(keras.layers.MaxPooling3D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _pooled(max_pool, self, inputs, super().call)


@final
class AveragePooling1D(keras.layers.AveragePooling1D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _pooled(average_pool, self, inputs, super().call)


@final
class AveragePooling2D(keras.layers.AveragePooling2D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _pooled(average_pool, self, inputs, super().call)


@final
class AveragePooling3D(keras.layers.AveragePooling3D):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return _pooled(average_pool, self, inputs, super().call)


def _convolved(layer: Any, inputs: Any, stock: Call) -> Any:
    if not _is_plain(layer, inputs) or layer.groups > _MOST_GROUPS:
        return stock(inputs)
    padding = layer.padding
    if padding == "causal":
        before = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
        inputs, padding = tf.pad(inputs, [[0, 0], [before, 0], [0, 0]]), "valid"
    parts = zip(
        tf.split(inputs, layer.groups, axis=-1),
        tf.split(tf.convert_to_tensor(layer.kernel), layer.groups, axis=-1),
        strict=True,
    )
    strides, dilations = layer.strides, layer.dilation_rate
    convolved = [convolve(*part, strides=strides, dilations=dilations, padding=padding) for part in parts]
    return _finished(layer, tf.concat(convolved, axis=-1))


def _convolved_backwards(layer: Any, inputs: Any, stock: Call) -> Any:
    if not _is_plain(layer, inputs):
        return stock(inputs)
    outputs = convolve_backwards(
        inputs,
        tf.convert_to_tensor(layer.kernel),
        layer.compute_output_shape(inputs.shape)[1:-1],
        strides=layer.strides,
        dilations=layer.dilation_rate,
        padding=layer.padding,
    )
    return _finished(layer, outputs)


def _finished(layer: Any, outputs: Any) -> Any:
    if layer.use_bias:
        outputs += layer.bias
    return outputs if layer.activation is None else layer.activation(outputs)


def _pooled(pool: Callable[[Any, Sequence[Window]], Any], layer: Any, inputs: Any, stock: Call) -> Any:
    if not _is_plain(layer, inputs):
        return stock(inputs)
    ones = [1] * len(layer.pool_size)
    lengths = inputs.shape[1:-1]
    return pool(
        inputs,
        lay_windows(lengths, layer.pool_size, strides=layer.strides, dilations=ones, padding=layer.padding),
    )


def _is_plain(layer: Any, inputs: Any) -> bool:
    fixed = None not in inputs.shape[1:]
    return bool(fixed and layer.data_format == "channels_last" and inputs.dtype == layer.compute_dtype == "float32")
