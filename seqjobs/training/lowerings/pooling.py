"""Pooling by slices and reshapes, one axis after the other, which XLA fuses with what stands around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from seqjobs.training.lowerings.windows import Window


def max_pool(inputs: Any, windows: Sequence[Window]) -> Any:
    """The maximum of each window: (batch, *spatial, channels) to (batch, *windows, channels).

    The gradient goes to the first maximum of a window, row by row: so with the last axis first, in each of its windows
    to the first. TensorFlow's own gradient has no form for XLA where ops must be deterministic.
    """
    for axis, window in reversed(list(enumerate(windows, start=1))):
        inputs = _max_of_tiles(inputs, axis, window) if window.tiles else _max_along(inputs, axis, window)
    return inputs


def average_pool(inputs: Any, windows: Sequence[Window]) -> Any:
    """The mean of what each window sees of the inputs, not of padding."""
    for axis, window in reversed(list(enumerate(windows, start=1))):
        inputs = _sum_of_tiles(inputs, axis, window) if window.tiles else _sum_along(inputs, axis, window)
    seen = np.ones(())
    for window in windows:
        seen = np.multiply.outer(seen, _num_seen(window))
    return inputs / tf.constant(seen[..., np.newaxis], inputs.dtype)


def _max_along(values: Any, axis: int, window: Window) -> Any:
    # The gradient of `maximum` goes to its first argument where both are equal.
    first, *others = _taps(values, axis, window, filler=values.dtype.min)
    for tap in others:
        first = tf.maximum(first, tap)
    return first


def _sum_along(values: Any, axis: int, window: Window) -> Any:
    first, *others = _taps(values, axis, window, filler=0)
    for tap in others:
        first += tap
    return first


def _taps(values: Any, axis: int, window: Window, *, filler: float) -> list[Any]:
    """What the windows see at each of their positions, as many tensors."""
    rank = len(values.shape)
    padding = [[0, 0]] * axis + [[window.before, window.after]] + [[0, 0]] * (rank - axis - 1)
    padded = tf.pad(values, padding, constant_values=filler)
    return [padded[(*[slice(None)] * axis, window.positions(tap))] for tap in range(window.size)]


def _max_of_tiles(values: Any, axis: int, window: Window) -> Any:
    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def pool(values: Any) -> tuple[Any, Callable[[Any], Any]]:
        first, *others = tf.unstack(_tiled(values, axis, window), axis=axis + 1)
        best = first
        for tap in others:
            best = tf.maximum(best, tap)

        def gradient(upstream: Any) -> Any:
            # From the values alone: with the maxima as well, XLA reads and writes them once more.
            highest, place = first, tf.zeros_like(first, tf.int32)
            for index, tap in enumerate(others, start=1):
                higher = tap > highest
                place = tf.where(higher, index, place)
                highest = tf.where(higher, tap, highest)
            own = tf.reshape(tf.range(window.size), [-1] + [1] * (len(values.shape) - axis - 1))
            here = tf.expand_dims(place, axis + 1) == own
            spread = tf.where(here, tf.expand_dims(upstream, axis + 1), tf.zeros([], upstream.dtype))
            return _untiled(spread, values, axis, window)

        return best, gradient

    return pool(values)


def _sum_of_tiles(values: Any, axis: int, window: Window) -> Any:
    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def pool(values: Any) -> tuple[Any, Callable[[Any], Any]]:
        first, *others = tf.unstack(_tiled(values, axis, window), axis=axis + 1)
        for tap in others:
            first += tap

        def gradient(upstream: Any) -> Any:
            return _untiled(tf.repeat(tf.expand_dims(upstream, axis + 1), window.size, axis + 1), values, axis, window)

        return first, gradient

    return pool(values)


def _tiled(values: Any, axis: int, window: Window) -> Any:
    """The axis split into (windows, positions)."""
    _, *sizes = values.shape
    whole = values[(*[slice(None)] * axis, slice(window.count * window.size))]
    return tf.reshape(whole, [-1, *sizes[: axis - 1], window.count, window.size, *sizes[axis:]])


def _untiled(tiled: Any, values: Any, axis: int, window: Window) -> Any:
    """What `_tiled` makes of `values`, back in their shape; what is in no window gets zeros."""
    _, *sizes = values.shape
    whole = tf.reshape(tiled, [-1, *sizes[: axis - 1], window.count * window.size, *sizes[axis:]])
    left = window.length - window.count * window.size
    return tf.pad(whole, [[0, 0]] * axis + [[0, left]] + [[0, 0]] * (len(sizes) - axis))


def _num_seen(window: Window) -> Any:
    """How many positions of the axis itself each window sees, (windows,)."""
    starts = np.arange(window.count) * window.stride - window.before
    positions = starts[:, np.newaxis] + np.arange(window.size)
    return ((positions >= 0) & (positions < window.length)).sum(axis=1)
