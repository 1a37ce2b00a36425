"""Moments: mean and variance of columns, added up over parts of the rows."""

from __future__ import annotations

from typing import final

from seqjobs.operations.arrays import Array, np

WIDE = 32
"""Rows of more numbers are not kept until their part is complete."""


@final
class Moments:
    """Mean and deviation of numbers (rows, width), without the missing ones.

    Parts are merged as in Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances", 1979; sums of squares over all rows at once would lose the digits of a column far from 0.

    A part may come in pieces; how it is cut changes no bit. Pieces of narrow rows are joined. Wide rows are added in
    their order, as NumPy adds the rows of one array. Their squares need the mean of their part, and so all rows again.
    """

    count: Array  # (width,), as the others
    mean: Array
    _squares: Array

    def __init__(self) -> None:
        self._is_empty = True
        self._pieces: list[Array] = []
        self._sum: Array | None = None  # of a wide part: of its values, or, once its mean is known, of their squares
        self._count: Array | None = None
        self._parts: list[tuple[Array, Array]] = []  # count and mean of each wide part
        self._next_part: int | None = None  # None until the means are known

    @property
    def num_bytes(self) -> int:
        kept = sum(piece.nbytes for piece in self._pieces)
        return kept + sum(count.nbytes + mean.nbytes for count, mean in self._parts)

    def add(self, values: Array) -> None:
        """Take the next rows of a part."""
        if values.shape[1] <= WIDE:
            self._pieces.append(values.copy(order="K"))  # a view would keep the memory that it is a part of
            return
        is_there = _present(values)
        if self._next_part is not None:
            squares = _filled(values - self._parts[self._next_part][1], is_there)
            self._sum = _continued(self._sum, squares * squares)
            return
        count = _count(values, is_there)
        self._count = count if self._count is None else self._count + count
        self._sum = _continued(self._sum, _filled(values, is_there))

    def end_part(self) -> None:
        """Take note that a part is complete."""
        if self._pieces:
            self._add_narrow_part(np.concatenate(self._pieces) if len(self._pieces) > 1 else self._pieces[0])
            self._pieces = []
        if self._sum is None:
            return
        if self._next_part is not None:
            self._merge(*self._parts[self._next_part], self._sum)
            self._next_part += 1
        elif self._count is not None:
            self._parts.append((self._count, self._sum / np.maximum(self._count, 1)))
        self._sum = self._count = None

    def finish(self) -> bool:
        """Return whether the moments are known; if not, all rows must be added once more."""
        self.end_part()
        if self._next_part is None and self._parts:
            self._next_part = 0
            return False
        return True

    @property
    def deviation(self) -> Array:
        """The standard deviation (width,) of the rows as a whole population."""
        return np.sqrt(self._squares / np.maximum(self.count, 1))

    def _add_narrow_part(self, values: Array) -> None:
        is_there = _present(values)
        count = _count(values, is_there)
        mean = _filled(values, is_there).sum(axis=0) / np.maximum(count, 1)
        squares = _filled(values - mean, is_there)
        self._merge(count, mean, (squares * squares).sum(axis=0))

    def _merge(self, count: Array, mean: Array, squares: Array) -> None:
        if self._is_empty:
            self.count, self.mean, self._squares, self._is_empty = count, mean, squares, False
            return
        total = self.count + count
        delta = mean - self.mean
        share = count / np.maximum(total, 1)
        self._squares = self._squares + squares + delta * delta * self.count * share
        self.mean = self.mean + delta * share
        self.count = total


def _present(values: Array) -> Array | None:
    """Return which values exist; None if all do and lie in their order."""
    missing = np.isnan(values)
    return None if values.flags.c_contiguous and not missing.any() else ~missing


def _count(values: Array, is_there: Array | None) -> Array:
    counted: Array = np.full(values.shape[1], len(values)) if is_there is None else is_there.sum(axis=0)
    return counted


def _filled(values: Array, is_there: Array | None) -> Array:
    """Put 0 where a value is missing. If none is, the sum of the values has the same order and bits without a copy."""
    return values if is_there is None else np.where(is_there, values, 0.0)


def _continued(before: Array | None, rows: Array) -> Array:
    """Return the sum (width,) of rows after a sum of earlier ones, as if all of them were rows of one array."""
    found: Array = (rows if before is None else np.concatenate([before[None], rows])).sum(axis=0)
    return found
