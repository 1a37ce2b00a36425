"""Moments: mean and variance of columns, added up over parts of the rows."""

from __future__ import annotations

from typing import final

from seqjobs.operations.arrays import Array, np


@final
class Moments:
    """Mean and deviation of numbers (rows, width), without the missing ones.

    Parts are merged as in Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances", 1979; sums of squares over all rows at once would lose the digits of a column far from 0.
    """

    count: Array  # (width,), as the others
    mean: Array
    _squares: Array

    def __init__(self) -> None:
        self._is_empty = True

    def add(self, values: Array) -> None:
        missing = np.isnan(values)
        is_there = None if values.flags.c_contiguous and not missing.any() else ~missing
        count = np.full(values.shape[1], len(values)) if is_there is None else is_there.sum(axis=0)
        safe = np.maximum(count, 1)
        mean = _filled(values, is_there).sum(axis=0) / safe
        squares = _filled(values - mean, is_there)
        squares = (squares * squares).sum(axis=0)
        if self._is_empty:
            self.count, self.mean, self._squares, self._is_empty = count, mean, squares, False
            return
        total = self.count + count
        delta = mean - self.mean
        share = count / np.maximum(total, 1)
        self._squares = self._squares + squares + delta * delta * self.count * share
        self.mean = self.mean + delta * share
        self.count = total

    @property
    def deviation(self) -> Array:
        """The standard deviation (width,) of the rows as a whole population."""
        return np.sqrt(self._squares / np.maximum(self.count, 1))


def _filled(values: Array, is_there: Array | None) -> Array:
    """Put 0 where a value is missing. If none is, the sum of the values has the same order and bits without a copy."""
    return values if is_there is None else np.where(is_there, values, 0.0)
