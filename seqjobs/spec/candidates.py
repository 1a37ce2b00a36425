"""Candidates: the assignments that together bring in every value a spec can take, for checking it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from seqjobs.spec.dimensions import Choice, Dimension, Range, is_active, written
from seqjobs.spec.job_spec import Assignment, Substitution
from seqjobs.spec.problems import Path


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One assignment to check, and how to find the text behind a place in what it gives."""

    assignment: Assignment
    text_path: Path = ()
    trace: list[Substitution] = field(default_factory=list)


def candidates(dimensions: tuple[Dimension, ...], variants: tuple[Assignment, ...]) -> Iterator[Candidate]:
    """First every dimension at its first value (or the bare template), then each other value once.

    One at a time is enough for what a value alone makes wrong; what only a combination makes wrong, as two
    shapes that do not fit, is found when the plan looks at every trial.
    """
    yield Candidate(assignment=_assign(dimensions, None, None))
    for dimension in dimensions:
        for index, value in enumerate(_values(dimension)):
            if index > 0 or dimension.conditions:
                yield Candidate(assignment=_assign(dimensions, dimension, value))
    for number, variant in enumerate(variants):
        trace = [Substitution(place=_as_place(key), text=("variants", number, key)) for key in variant]
        yield Candidate(assignment=variant, text_path=("variants", number), trace=trace)


def _as_place(key: str) -> Path:
    return tuple(int(part) if part.isdecimal() else part for part in key.split("."))


def _values(dimension: Dimension) -> list[Any]:
    if isinstance(dimension, Choice):
        return [written(option) for option in dimension.options]
    return [dimension.low, dimension.high]


def _assign(dimensions: tuple[Dimension, ...], target: Dimension | None, value: Any) -> Assignment:
    """Active dimensions at their first value, but `target` at `value`, and the choices that make it active."""
    forced = dict(target.conditions) if target is not None else {}
    assignment: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for dimension in dimensions:
        if not is_active(dimension, labels):
            continue
        if isinstance(dimension, Range):
            assignment[dimension.key] = value if dimension is target else dimension.low
            continue
        option = dimension.options[0]
        for other in dimension.options:
            if (dimension is target and written(other) == value) or other.label == forced.get(dimension.key):
                option = other
        labels[dimension.key] = option.label
        assignment[dimension.key] = written(option)
    return assignment
