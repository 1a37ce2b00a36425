"""Random numbers by hashing counters; what XLA makes of TensorFlow's own is slow on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

# lowbias32, https://nullprogram.com/blog/2018/07/31/: of the mixes with two multiplications, the one with the least
# bias that a search found.
_FACTORS = (0x7FEB352D, 0x846CA68B)
_SHIFTS = (16, 15, 16)
# Where the two chains that hash a seed begin: digits of pi.
_STARTS = (0x243F6A88, 0x85A308D3)
_LOW_WORD = 0xFFFFFFFF


def keep_mask(shape: Sequence[Any], seed: Any, rate: Any) -> Any:
    """Which values dropout keeps: bool of `shape`, each False with the probability `rate`, independent of the others.

    `seed` is two int64, as `keras.random.SeedGenerator.next` gives them; every bit of both counts. `rate`, in [0, 1),
    is a number or a scalar tensor, and counts in steps of 2**-24.
    """
    threshold = tf.cast(tf.round(tf.cast(rate, tf.float32) * 2.0**24), tf.int32)
    return _draws(shape, seed, bits=24) >= threshold


def normal(shape: Sequence[Any], seed: Any) -> Any:
    """Draws of the standard normal distribution, float32 of `shape`; none is farther out than 5.3."""
    # The middles of 2**23 equal parts of (-1, 1), each of which float32 holds exactly.
    uniform = (tf.cast(_draws(shape, seed, bits=23), tf.float32) + 0.5) * 2.0**-22 - 1.0
    return tf.math.erfinv(uniform) * 2.0**0.5


def _draws(shape: Sequence[Any], seed: Any, *, bits: int) -> Any:
    """Integers of so many bits, int32 of `shape`."""
    index = tf.cast(tf.reshape(tf.range(tf.reduce_prod(shape)), shape), tf.uint32)
    first, second = (_hash_of_seed(seed, start) for start in _STARTS)
    mixed = _mix(_mix(index ^ first) ^ second)
    return tf.cast(_right(mixed, 32 - bits), tf.int32)


def _hash_of_seed(seed: Any, start: int) -> Any:
    """A scalar of which each word of the seed is a part. Two seeds share it by chance alone, and then not from
    another start."""
    words = tf.stack([tf.bitwise.bitwise_and(seed, _LOW_WORD), tf.bitwise.right_shift(seed, 32)], axis=1)
    mixed = tf.constant(start, tf.uint32)
    for word in tf.unstack(tf.reshape(tf.cast(tf.bitwise.bitwise_and(words, _LOW_WORD), tf.uint32), [4])):
        mixed = _mix(mixed ^ word)
    return mixed


def _mix(value: Any) -> Any:
    """A permutation of the uint32 in which every bit of the value moves every bit of the result."""
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        value = (value ^ _right(value, shift)) * tf.constant(factor, tf.uint32)
    return value ^ _right(value, _SHIFTS[-1])


def _right(value: Any, places: int) -> Any:
    return tf.bitwise.right_shift(value, tf.constant(places, tf.uint32))
