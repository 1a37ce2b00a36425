"""The search space: the values a job's dimensions may take, as pure functions of position and fraction."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from seqjobs.jobspec.dimensions import Choice, Condition, Dimension, Option, Range, is_active, written
from seqjobs.jobspec.job_spec import Assignment

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

    def size(self) -> int | None:
        """The number of assignments, or None where a dimension is continuous."""
        return self._size_under(())

    def grid(self, start: int, count: int) -> Iterator[Assignment]:
        """Assignments number `start` and on of a finite space, the last dimension changing fastest."""
        for number in range(start, min(start + count, self.size() or 0)):
            picks: dict[str, Any] = {}
            self._pick((), number, picks)
            yield self.assign(lambda dimension, picks=picks: picks[dimension.key])  # type: ignore[misc]

    def _pick(self, conditions: tuple[Condition, ...], number: int, picks: dict[str, Any]) -> None:
        """What each dimension has in the assignment `number` of those under the same conditions."""
        for dimension in reversed(self._under(conditions)):
            number, position = divmod(number, self._sizes[dimension.key] or 1)
            if isinstance(dimension, Range):
                picks[dimension.key] = value_at(dimension, position)
                continue
            for option in dimension.options:
                below = _conditions_of(dimension, option)
                size = self._size_under(below) or 1
                if position < size:
                    picks[dimension.key] = option
                    self._pick(below, position, picks)
                    break
                position -= size

    @cached_property
    def _sizes(self) -> Mapping[str, int | None]:
        """Key -> how many ways there are to fill a dimension and all that depends on it."""
        sizes: dict[str, int | None] = {}
        # What depends on a choice stands behind it, so from the end on it is known already.
        for dimension in reversed(self.dimensions):
            if isinstance(dimension, Range):
                sizes[dimension.key] = num_values(dimension)
                continue
            below = [self._size_under(_conditions_of(dimension, option), sizes) for option in dimension.options]
            sizes[dimension.key] = None if None in below else sum(size for size in below if size is not None)
        return sizes

    def _size_under(
        self, conditions: tuple[Condition, ...], known: Mapping[str, int | None] | None = None
    ) -> int | None:
        sizes = [(self._sizes if known is None else known)[dimension.key] for dimension in self._under(conditions)]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def _under(self, conditions: tuple[Condition, ...]) -> Sequence[Dimension]:
        return self._children.get(conditions, ())

    @cached_property
    def _children(self) -> Mapping[tuple[Condition, ...], Sequence[Dimension]]:
        """Conditions -> the dimensions that stand under just these: dimensions are a forest, and sizes its products."""
        children: dict[tuple[Condition, ...], list[Dimension]] = {}
        for dimension in self.dimensions:
            children.setdefault(dimension.conditions, []).append(dimension)
        return children


def _conditions_of(choice: Choice, option: Option) -> tuple[Condition, ...]:
    return (*choice.conditions, (choice.key, option.label))


def num_values(dimension: Range) -> int | None:
    """How many values a range has; None where it is continuous."""
    if dimension.step is not None:
        # The small addend keeps the top end that rounding would lose: (0.5 - 0.1) / 0.1 = 3.9999999999999996.
        return math.floor((dimension.high - dimension.low) / dimension.step + 1e-9) + 1
    return int(dimension.high - dimension.low) + 1 if dimension.is_integer else None


def value_at(dimension: Range, position: int) -> float | int:
    """The value number `position` of a range with finitely many, counted from `low`."""
    value = dimension.low + position * (1 if dimension.step is None else dimension.step)
    if dimension.is_integer:
        return int(value)
    # The ends stay what was written, however many digits that has.
    return float(min(max(_tidy(value), dimension.low), dimension.high))


def value_at_fraction(dimension: Range, fraction: float) -> float | int:
    """The value of a range at `fraction` in [0, 1) of its (logarithmic) length.

    Integers and steps get equally long parts of it, so that the ends come as often as the rest.
    """
    count = num_values(dimension)
    if dimension.is_log:
        return _value_at_log_fraction(dimension, fraction, count)
    if count is not None:
        return value_at(dimension, min(int(fraction * count), count - 1))
    value = dimension.low + fraction * (dimension.high - dimension.low)
    return float(min(value, dimension.high))


def _value_at_log_fraction(dimension: Range, fraction: float, count: int | None) -> float | int:
    low = math.log(dimension.low)
    if count is None:
        value = math.exp(low + fraction * (math.log(dimension.high) - low))
        return float(min(max(value, dimension.low), dimension.high))
    # Half a step of room at both ends gives the end values a full share; the last value may lie below `high`.
    half = (1 if dimension.step is None else dimension.step) / 2
    floor = math.log(dimension.low - half) if dimension.low > half else low
    ceiling = math.log(value_at(dimension, count - 1) + half)
    value = math.exp(floor + fraction * (ceiling - floor))
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
