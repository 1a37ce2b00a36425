"""Convolutions whose gradients XLA carries out on a CPU as fast as the convolution itself.

XLA's CPU compiler hands a convolution to Eigen, which reaches the rate of its matrix product, only if the innermost
axes are channels in and filters out and nothing is reversed. The gradients that TensorFlow writes are not of that
form, and become plain loops: at batch 64, 16x16x64 and 64 filters of 3x3 the kernel's takes 2,811 ms and the input's
65, where Eigen needs 14 for the convolution. Both gradients are convolutions themselves, and here they are written so
that Eigen takes them: 19 and 14 ms (one thread of an AMD EPYC 9004; oneDNN outside XLA needs 10 to 13 for each).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import tensorflow as tf

from seqjobs.training.lowerings.branches import once
from seqjobs.training.lowerings.patches import convolve_patches, kernel_gradient_of_patches, patches_pay
from seqjobs.training.lowerings.windows import Window, lay_windows

Windows = tuple[Window, ...]
Gradients = Callable[[Any], tuple[Any, Any]]


def convolve(inputs: Any, kernel: Any, *, strides: Sequence[int], dilations: Sequence[int], padding: str) -> Any:
    """The convolution of inputs (batch, *spatial, channels) with a kernel (*window, channels, filters).

    All axes but the batch are of fixed size, `padding` is `valid` or `same`, and strides and dilations are not both
    above 1. Returns (batch, *windows, filters).
    """
    size = kernel.shape[:-2]
    windows = lay_windows(inputs.shape[1:-1], size, strides=strides, dilations=dilations, padding=padding)
    if all(window.size <= window.stride and window.dilation == 1 for window in windows):
        return _convolve_apart(inputs, kernel, windows)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def convolution(inputs: Any, kernel: Any) -> tuple[Any, Gradients]:
        def gradients(upstream: Any) -> tuple[Any, Any]:
            return input_gradient(kernel, upstream, windows), kernel_gradient(inputs, upstream, windows)

        if patches_pay(size, kernel.shape[-2]):
            return convolve_patches(inputs, kernel, windows), gradients
        output = tf.nn.convolution(inputs, kernel, list(strides), padding.upper(), dilations=list(dilations))
        return output, gradients

    return convolution(inputs, kernel)


def convolve_backwards(
    inputs: Any,
    kernel: Any,
    lengths: Sequence[int],
    *,
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
) -> Any:
    """What `convolve` makes inputs of these from, as Keras's transposed convolutions mean it.

    Takes inputs (batch, *windows, filters) and a kernel (*window, channels, filters); returns (batch, *lengths,
    channels). Raises ValueError where windows on these lengths are not as many as the inputs.
    """
    windows = lay_windows(lengths, kernel.shape[:-2], strides=strides, dilations=dilations, padding=padding)
    if [window.count for window in windows] != list(inputs.shape[1:-1]):
        raise ValueError(f"{padding} windows on {list(lengths)} are not {list(inputs.shape[1:-1])}")

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def convolution(inputs: Any, kernel: Any) -> tuple[Any, Gradients]:
        def gradients(upstream: Any) -> tuple[Any, Any]:
            of_inputs = convolve(upstream, kernel, strides=strides, dilations=dilations, padding=padding)
            return of_inputs, kernel_gradient(upstream, inputs, windows)

        return input_gradient(kernel, inputs, windows), gradients

    return convolution(inputs, kernel)


def kernel_gradient(inputs: Any, upstream: Any, windows: Windows) -> Any:
    """The gradient of a convolution's kernel, (*window, channels, filters), for its output's, `upstream`.

    Without patches it is the convolution of the inputs with `upstream` as kernel, channels standing in the place of
    the batch and the batch in that of channels.
    """
    if patches_pay([window.size for window in windows], inputs.shape[-1]):
        return kernel_gradient_of_patches(inputs, upstream, windows)
    spatial = range(1, len(windows) + 1)
    padding = [[0, 0], *([window.before, window.after] for window in windows), [0, 0]]

    def turned() -> Any:
        return tf.transpose(tf.pad(inputs, padding), [len(windows) + 1, *spatial, 0])

    # XLA would compute the inputs anew inside the transposition, from all that made them and with strides that miss
    # every cache: 5.7 ms where 2.6 do (pooled 16x16x32, batch 64).
    gradient = tf.nn.convolution(
        once(tf.reshape(upstream, [-1])[0] < 1, turned),
        tf.transpose(upstream, [*spatial, 0, len(windows) + 1]),
        [window.dilation for window in windows],
        "VALID",
        dilations=[window.stride for window in windows],
    )
    # Positions that no window reaches make further places.
    cropped = gradient[(slice(None), *(slice(window.size) for window in windows))]
    return tf.transpose(cropped, [*spatial, 0, len(windows) + 1])


def input_gradient(kernel: Any, upstream: Any, windows: Windows) -> Any:
    """The gradient of a convolution's inputs, (batch, *spatial, channels), for its output's, `upstream`.

    It is the convolution of `upstream` with the kernel turned round. With strides each input position meets only every
    stride-th part of the kernel, so there is one convolution for each such part, and their results interleave.
    """
    parts = [
        _part_of_input_gradient(kernel, upstream, windows, offsets)
        for offsets in product(*(range(window.stride) for window in windows))
    ]
    gradient = parts[0] if len(parts) == 1 else _interleave(parts, windows)
    starts = [window.before - window.first_step * window.stride for window in windows]
    places = (slice(start, start + window.length) for start, window in zip(starts, windows, strict=True))
    return gradient[(slice(None), *places)]


def _part_of_input_gradient(kernel: Any, upstream: Any, windows: Windows, offsets: Sequence[int]) -> Any:
    """The gradient at the padded input's positions `stride * n + offset`, from the first that holds an input."""
    every = tuple(slice(offset, None, window.stride) for offset, window in zip(offsets, windows, strict=True))
    part = kernel[every]
    counts = [window.num_steps for window in windows]
    if 0 in part.shape[:-2]:
        return tf.zeros([tf.shape(upstream)[0], *counts, kernel.shape[-2]], upstream.dtype)
    framed = upstream
    for axis, (window, size, count) in enumerate(zip(windows, part.shape[:-2], counts, strict=True), start=1):
        reach = (size - 1) * window.dilation
        before = reach - window.first_step
        framed = _frame(framed, axis, before, count + reach - window.count - before)
    turned = tf.reverse(part, list(range(len(windows))))
    swapped = tf.transpose(turned, [*range(len(windows)), len(windows) + 1, len(windows)])
    return tf.nn.convolution(framed, swapped, None, "VALID", dilations=[window.dilation for window in windows])


def _frame(values: Any, axis: int, before: int, after: int) -> Any:
    """Zeros around an axis, or, where a number is negative, so many positions less."""
    rank = len(values.shape)
    kept = slice(max(-before, 0), values.shape[axis] - max(-after, 0))
    padding = [[0, 0]] * axis + [[max(before, 0), max(after, 0)]] + [[0, 0]] * (rank - axis - 1)
    return tf.pad(values[(*[slice(None)] * axis, kept)], padding)


def _interleave(parts: Sequence[Any], windows: Windows) -> Any:
    """(batch, *counts, channels) for each offset, to (batch, *(counts * strides), channels)."""
    strides, (batch, *counts, channels) = [window.stride for window in windows], parts[0].shape
    batch, rank = -1 if batch is None else batch, len(windows)
    stacked = tf.reshape(tf.stack(parts, axis=1), [batch, *strides, *counts, channels])
    # Each axis's offsets behind its counts.
    order = [axis for index in range(rank) for axis in (1 + rank + index, 1 + index)]
    lengths = [stride * count for stride, count in zip(strides, counts, strict=True)]
    return tf.reshape(tf.transpose(stacked, [0, *order, 2 * rank + 1]), [batch, *lengths, channels])


def _convolve_apart(inputs: Any, kernel: Any, windows: Windows) -> Any:
    """A convolution of windows that do not overlap: a matrix product, as are its gradients."""
    framed, split, kept = inputs, [], []
    for axis, window in enumerate(windows, start=1):
        # As many strides as windows, whatever is left over behind the last.
        after = window.count * window.stride - window.before - window.length
        framed = _frame(framed, axis, window.before, after)
        split += [window.count, window.stride]
        kept += [slice(None), slice(window.size)]
    channels, filters = kernel.shape[-2:]
    seen = tf.reshape(framed, [-1, *split, channels])[(slice(None), *kept)]
    axes = range(1, 2 * len(windows) + 1)
    rows = tf.transpose(seen, [0, *axes[::2], *axes[1::2], 2 * len(windows) + 1])
    mixed = tf.matmul(tf.reshape(rows, [-1, math.prod(kernel.shape[:-1])]), tf.reshape(kernel, [-1, filters]))
    return tf.reshape(mixed, [-1, *(window.count for window in windows), filters])
