"""Patches: a convolution of few inputs a window, as one matrix product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import tensorflow as tf

from seqjobs.training.lowerings.windows import Window

# Convolution and kernel's gradient together on one thread of an AMD EPYC 9004 in ms, Eigen's convolution against
# patches, at batch 64, 28x28xchannels and 32 filters:
#   1 channel   3x3: 4.0 / 1.8,  5x5: 5.0 / 4.3,  7x7 (16 filters): 4.7 / 4.4
#   2, 3, 4, 8 channels, 3x3: 4.7 / 3.2,  5.4 / 4.4,  6.1 / 6.3,  7.2 / 14
# With 4 to 64 filters, with strides and at 8x8 or 64x64 the places change and the line does not. It compiles a loop
# for every input, so patches shall be clearly better.
_MOST_INPUTS = 32


def patches_pay(kernel_size: Sequence[int], channels: int) -> bool:
    """Whether XLA is faster on a CPU with patches than with a convolution; filters and places do not matter."""
    return prod(kernel_size) * channels <= _MOST_INPUTS


def convolve_patches(inputs: Any, kernel: Any, windows: tuple[Window, ...]) -> Any:
    """As `convolve`."""
    filters = kernel.shape[-1]
    product_ = tf.matmul(_patches(inputs, windows), tf.reshape(kernel, [-1, filters]), transpose_a=True)
    return tf.reshape(product_, [-1, *(window.count for window in windows), filters])


def kernel_gradient_of_patches(inputs: Any, upstream: Any, windows: tuple[Window, ...]) -> Any:
    """As `kernel_gradient`."""
    channels, filters = inputs.shape[-1], upstream.shape[-1]
    gradient = tf.matmul(_patches(inputs, windows), tf.reshape(upstream, [-1, filters]))
    return tf.reshape(gradient, [*(window.size for window in windows), channels, filters])


def _patches(inputs: Any, windows: tuple[Window, ...]) -> Any:
    """What every window sees, (window's positions * channels, batch * windows).

    Inputs of a window on the first axis: rows are copied whole, and the kernel's gradient needs no transposition,
    which makes it three times as fast as with windows on the first axis.
    """
    padding = [[0, 0], *([window.before, window.after] for window in windows), [0, 0]]
    padded = tf.pad(inputs, padding)
    rows = [padded[(slice(None), *places, channel)] for *places, channel in _taps(windows, inputs.shape[-1])]
    return tf.reshape(tf.stack(rows), [len(rows), -1])


def _taps(windows: tuple[Window, ...], channels: int) -> Iterator[tuple[Any, ...]]:
    """The places of each position of the window and each channel, in the order of a kernel's rows."""
    for *taps, channel in product(*(range(window.size) for window in windows), range(channels)):
        yield (*(window.positions(tap) for window, tap in zip(windows, taps, strict=True)), channel)
