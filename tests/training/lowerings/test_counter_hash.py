"""Masks and noise from counters: their statistics, and that nothing but shape, seed and rate decides them.

The seeds are fixed, so the bounds, at 5 standard deviations and more, are met every time or never.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seqjobs.training.lowerings import counter_hash
from seqjobs.training.lowerings.counter_hash import keep_mask, normal

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

Array = Any

SEED = 834_512_067


def mask(shape: tuple[int, ...], seed: int, counter: int, rate: float = 0.5) -> Array:
    return keep_mask(shape, tf.constant([seed, counter], tf.int64), rate).numpy()


def masks(shape: tuple[int, ...], seeds: list[tuple[int, int]]) -> Array:
    """A mask for each seed and counter, at a rate of a half."""
    one = tf.function(lambda seed: keep_mask(shape, seed, 0.5), autograph=False)
    return np.stack([one(tf.constant(seed, tf.int64)).numpy() for seed in seeds])


def assert_patterns_are_even(bits: Array) -> None:
    """Each of the 256 patterns of 8 bits, (8, n), is as frequent as the others, by chi-square."""
    counts = np.bincount((bits.reshape(8, -1).T * (1 << np.arange(8))).sum(axis=1), minlength=256)
    expected = counts.sum() / 256
    assert expected >= 20
    statistic = ((counts - expected) ** 2 / expected).sum()
    # Mean 255 and deviation sqrt(2 * 255); too even is as wrong as too uneven.
    assert abs(statistic - 255) < 5 * math.sqrt(510), statistic


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.25, 0.5, 0.9, 0.999])
def test_the_share_is_the_rate(rate: float) -> None:
    for seed, counter in ((1, 0), (SEED, 0), (SEED, 7), (10**9, 123_456)):
        kept = mask((1000, 1000), seed, counter, rate)
        deviation = math.sqrt(rate * (1 - rate) / kept.size)
        assert abs(kept.mean() - (1 - rate)) < 5 * deviation
        for axis in (0, 1):
            # No row and no column is favoured: the shares spread as those of independent draws.
            spread = kept.mean(axis=axis).std() / math.sqrt(rate * (1 - rate) / 1000)
            assert abs(spread - 1) < 5 / math.sqrt(2 * 1000)


def test_neighbours_are_independent() -> None:
    for width in (8, 100, 256, 1000):
        drawn = mask((100_000 // width, 8, width), SEED, 3)
        assert_patterns_are_even(np.moveaxis(drawn.reshape(-1, 8), 1, 0))  # columns side by side
        assert_patterns_are_even(np.moveaxis(drawn, 1, 0))  # rows one below the other


STREAMS = {
    "steps": [(SEED, counter) for counter in range(8)],
    "later steps": [(SEED, 2**20 + counter) for counter in range(8)],
    "seeds": [(SEED + index, 0) for index in range(8)],
    "small seeds": [(index, 0) for index in range(8)],
    "seeds and steps the other way round": [(index, 7 - index) for index in range(8)],
    "high words of the seed": [(SEED + (index << 32), 0) for index in range(8)],
    "high words of the counter": [(SEED, index << 32) for index in range(8)],
    "negative": [(-1 - index, 0) for index in range(8)],
    "powers of two": [(1 << (4 * index + 20), 1) for index in range(8)],
}


@pytest.mark.parametrize("stream", STREAMS)
def test_masks_of_a_stream_are_independent(stream: str) -> None:
    drawn = masks((64, 256), STREAMS[stream])
    assert_patterns_are_even(drawn)
    signs = np.where(drawn.reshape(8, -1), 1.0, -1.0)
    correlations = signs @ signs.T / signs.shape[1] - np.eye(8)
    assert np.abs(correlations).max() < 5.5 / math.sqrt(signs.shape[1])
    # Nor is one the other moved along, or with bits of its index turned over.
    for distance in (1, 2, 64, 256, 4096):
        moved = np.roll(signs, distance, axis=1)
        assert np.abs(signs @ moved.T).max() / signs.shape[1] < 6 / math.sqrt(signs.shape[1])
        turned = signs[:, np.arange(signs.shape[1]) ^ distance]
        assert np.abs(signs[:4] @ turned[4:].T).max() / signs.shape[1] < 6 / math.sqrt(signs.shape[1])


def test_the_mask_is_the_same_compiled_mapped_and_with_the_rate_as_a_tensor() -> None:
    seeds = tf.constant([[SEED, 0], [SEED, 1], [2**40 + 5, 3]], tf.int64)
    rates = tf.constant([0.1, 0.5, 0.3])
    shape = (37, 11)
    single = np.stack([mask(shape, SEED, 0, 0.1), mask(shape, SEED, 1, 0.5), mask(shape, 2**40 + 5, 3, 0.3)])

    def mapped(seeds: Any, rates: Any) -> Any:
        return tf.vectorized_map(lambda member: keep_mask(shape, *member), (seeds, rates))

    for compiled in (False, True):
        found = tf.function(mapped, jit_compile=compiled, autograph=False)(seeds, rates).numpy()
        assert (found == single).all()


def test_the_mask_is_what_it_was() -> None:
    """A trial that goes on under a later version must find the same."""
    assert "".join(str(int(kept)) for kept in mask((32,), 42, 0)) == "00101111110010001011011110100110"


def test_noise_is_normal_and_independent() -> None:
    draws = np.stack([normal((500, 400), tf.constant([SEED, step], tf.int64)).numpy() for step in range(4)])
    values = np.sort(draws.reshape(-1).astype(np.float64))
    assert np.isfinite(values).all()
    number = values.size
    assert abs(values.mean()) < 5 / math.sqrt(number)
    assert abs(values.var() - 1) < 5 * math.sqrt(2 / number)
    assert abs((values**4).mean() - 3) < 5 * math.sqrt(96 / number)
    # Kolmogorov and Smirnov's distance; beyond 2.5 is one in 130,000.
    grid = np.arange(number) / number
    expected = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in values[::50]])
    assert np.abs(expected - grid[::50]).max() < 2.5 / math.sqrt(number)
    flat = draws.reshape(4, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(4)).max() < 5 / math.sqrt(flat.shape[1])
    for distance in (1, 400):
        assert abs((flat[0] * np.roll(flat[0], distance)).mean()) < 5 / math.sqrt(flat.shape[1])


def test_noise_is_finite_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = tf.constant([0, 2**23 - 1], tf.int32)
    monkeypatch.setattr(counter_hash, "_draws", lambda *_, **__: ends)
    low, high = normal((2,), tf.constant([0, 0], tf.int64)).numpy()
    assert -5.4 < low < -5 < 5 < high < 5.4
    assert low == -high
