"""Candidates: the assignments that together bring in every value a spec can take, for checking it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seqjobs.jobspec.dimensions import Choice, Dimension, Range, is_active, written
from seqjobs.jobspec.substitution import Assignment


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One assignment to check, and the dimension for whose sake."""

    assignment: Assignment
    target: Dimension | None = None


def candidates(dimensions: tuple[Dimension, ...]) -> Iterator[Candidate]:
    """First every dimension at its first value, then each other value once.

    One at a time is enough for what a value alone makes wrong; what only a combination makes wrong, as two
    shapes that do not fit, is found when the plan looks at every trial.
    """
    yield Candidate(assignment=_assign(dimensions, None, None))
    for dimension in dimensions:
        for index, value in enumerate(_values(dimension)):
            if index > 0 or dimension.conditions:
                yield Candidate(assignment=_assign(dimensions, dimension, value), target=dimension)


def _values(dimension: Dimension) -> list[Any]:
    if isinstance(dimension, Choice):
        return [written(option) for option in dimension.options]
    return [dimension.typed(dimension.low), dimension.typed(dimension.high)]


def _assign(dimensions: tuple[Dimension, ...], target: Dimension | None, value: Any) -> Assignment:
    """Active dimensions at their first value, but `target` at `value`, and the choices that make it active."""
    forced = dict(target.conditions) if target is not None else {}
    assignment: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for dimension in dimensions:
        if not is_active(dimension, labels):
            continue
        if isinstance(dimension, Range):
            assignment[dimension.key] = value if dimension is target else dimension.typed(dimension.low)
            continue
        option = dimension.options[0]
        for other in dimension.options:
            if (dimension is target and written(other) is value) or other.label == forced.get(dimension.key):
                option = other
        labels[dimension.key] = option.label
        assignment[dimension.key] = written(option)
    return assignment
