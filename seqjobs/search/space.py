"""The search space: the values a job's dimensions may take, as pure functions of position and fraction."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from seqjobs.spec.dimensions import Choice, Dimension, Range, is_active, written
from seqjobs.spec.job_spec import Assignment

Pick = Callable[[Dimension], Any]
"""Gives a dimension its value; for a Choice an Option, for a Range a number."""


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """The dimensions of a job, in the order of the text: a choice stands before what depends on it."""

    dimensions: tuple[Dimension, ...]

    def assign(self, pick: Pick) -> Assignment:
        """One complete assignment: `pick` is asked for every dimension that is active, in order."""
        assignment: dict[str, Any] = {}
        labels: dict[str, str] = {}
        for dimension in self.dimensions:
            if not is_active(dimension, labels):
                continue
            value = pick(dimension)
            if isinstance(dimension, Choice):
                labels[dimension.key] = value.label
                value = written(value)
            assignment[dimension.key] = value
        return assignment

    def grid(self) -> Iterator[Assignment]:
        """Every assignment of a finite space, the last dimension changing fastest."""
        yield from self._grid(0, {}, {})

    def _grid(self, index: int, assignment: dict[str, Any], labels: dict[str, str]) -> Iterator[Assignment]:
        if index == len(self.dimensions):
            yield dict(assignment)
            return
        dimension = self.dimensions[index]
        if not is_active(dimension, labels):
            yield from self._grid(index + 1, assignment, labels)
        elif isinstance(dimension, Choice):
            for option in dimension.options:
                yield from self._grid(
                    index + 1,
                    {**assignment, dimension.key: written(option)},
                    {**labels, dimension.key: option.label},
                )
        else:
            for position in range(num_values(dimension) or 0):
                value = value_at(dimension, position)
                yield from self._grid(index + 1, {**assignment, dimension.key: value}, labels)

    def size(self) -> int | None:
        """The number of assignments, or None where a dimension is continuous."""
        return self._size(0, {})

    def _size(self, index: int, labels: dict[str, str]) -> int | None:
        if index == len(self.dimensions):
            return 1
        dimension = self.dimensions[index]
        if not is_active(dimension, labels):
            return self._size(index + 1, labels)
        if isinstance(dimension, Range):
            count, rest = num_values(dimension), self._size(index + 1, labels)
            return None if count is None or rest is None else count * rest
        if not any(condition[0] == dimension.key for other in self.dimensions for condition in other.conditions):
            rest = self._size(index + 1, labels)
            return None if rest is None else len(dimension.options) * rest
        sizes = [self._size(index + 1, {**labels, dimension.key: option.label}) for option in dimension.options]
        return None if None in sizes else sum(size for size in sizes if size is not None)


def num_values(dimension: Range) -> int | None:
    """How many values a range has; None where it is continuous."""
    if dimension.step is not None:
        # The small addend keeps the top end that rounding would lose: (0.5 - 0.1) / 0.1 = 3.9999999999999996.
        return math.floor((dimension.high - dimension.low) / dimension.step + 1e-9) + 1
    return int(dimension.high - dimension.low) + 1 if dimension.is_integer else None


def value_at(dimension: Range, position: int) -> float | int:
    """The value number `position` of a range with finitely many, counted from `low`."""
    value = dimension.low + position * (1 if dimension.step is None else dimension.step)
    return int(value) if dimension.is_integer else _tidy(value)


def value_at_fraction(dimension: Range, fraction: float) -> float | int:
    """The value of a range at `fraction` in [0, 1) of its (logarithmic) length.

    Integers and steps get equally long parts of it, so that the ends come as often as the rest.
    """
    count = num_values(dimension)
    if dimension.is_log:
        return _value_at_log_fraction(dimension, fraction, count)
    if count is not None:
        return value_at(dimension, min(int(fraction * count), count - 1))
    return dimension.low + fraction * (dimension.high - dimension.low)


def _value_at_log_fraction(dimension: Range, fraction: float, count: int | None) -> float | int:
    low, high = math.log(dimension.low), math.log(dimension.high)
    if count is None:
        value = math.exp(low + fraction * (high - low))
        return min(max(value, dimension.low), dimension.high)
    # Half a step of room at both ends gives the end values a full share.
    half = (1 if dimension.step is None else dimension.step) / 2
    floor = math.log(dimension.low - half) if dimension.low > half else low
    value = math.exp(floor + fraction * (math.log(dimension.high + half) - floor))
    position = round((value - dimension.low) / (2 * half))
    return value_at(dimension, min(max(position, 0), count - 1))


def _tidy(value: float) -> float:
    """0.1 + 2 * 0.1 is 0.30000000000000004; what a person wrote as a step should read as one."""
    return float(f"{value:.12g}")


def fraction(seed: int, key: str, index: int) -> float:
    """A number in [0, 1) out of (seed, key, index) alone: equal on every machine, whatever else is drawn.

    53 bits of SHA-256, so that a dimension added to a spec does not move the values of the others.
    """
    digest = hashlib.sha256(f"{seed}/{index}/{key}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
