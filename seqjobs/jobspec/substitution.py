"""Substitution: a job's template with a value for every dimension."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from seqjobs.errors.problems import Path, Problem
from seqjobs.jobspec.dimensions import Choice, Dimension, chosen, is_active, is_dimension
from seqjobs.jobspec.document import MAX_DEPTH

Assignment = Mapping[str, Any]
"""Hyperparameters: the dotted path of a dimension -> the value it takes, JSON values only."""

MAX_INDEX_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Substitution:
    """Where a value of the assigned sections is written: what is at or below `place` came from `text`.

    `key` is where the name stands under which the value is put. Of the parts of `place` the first `known` were there
    before; the mappings for the others were made for the value, so that what is wrong with their names is its mistake.
    """

    place: Path
    text: Path
    key: Path
    known: int


def substitute(
    template: Mapping[str, Any],
    dimensions: Iterable[Dimension],
    assignment: Assignment,
    trace: list[Substitution] | None = None,
) -> dict[str, Any]:
    """The template with values for its dimensions; `trace` receives where they are written.

    What leads to no dimension is the template's own, and not to be changed.
    """
    tree: dict[str, Any] = dict(template)
    copies = {id(tree)}
    labels: dict[str, str] = {}
    for dimension in dimensions:
        if not is_active(dimension, labels):
            continue
        value, text = assignment[dimension.key], dimension.at.text
        if isinstance(dimension, Choice):
            option = chosen(dimension, value)
            labels[dimension.key] = option.label
            value, text = option.value, option.text
        _put_into_copies(tree, dimension.at.place, value, copies)
        if trace is not None:
            place = dimension.at.place
            trace.append(Substitution(place=place, text=text, key=dimension.at.text, known=len(place)))
    return tree


def override(
    template: Mapping[str, Any], variant: Assignment, text: Path, trace: list[Substitution] | None = None
) -> dict[str, Any]:
    """The template with the values of a variant, which is written at `text`.

    Raises KeyError or IndexError, with the variant's key as its argument, where that leads nowhere.
    """
    tree: dict[str, Any] = _copied(dict(template))
    for key, value in variant.items():
        try:
            path = parse_key(key)
            known = _num_known(tree, path)
            place = put(tree, path, _copied(value))
        except (KeyError, IndexError) as error:
            raise KeyError(key) from error
        if trace is not None:
            trace.append(Substitution(place=place, text=(*text, key), key=(*text, key), known=known))
    return tree


def _num_known(tree: Any, path: Path) -> int:
    """How many of the parts of a path lead to something in the tree."""
    for depth, part in enumerate(path):
        try:
            tree = tree[_key(tree, part)]
        except (KeyError, IndexError):
            return depth
    return len(path)


def in_text(problem: Problem, trace: Sequence[Substitution]) -> Problem:
    """The problem with its path as it stands in the file."""
    if problem.at == "key":
        # Of the choices that were made at one place, the outermost has the key before it.
        keys = [made.key for made in trace if made.place == problem.path]
        if keys:
            return replace(problem, path=keys[0])
    for substitution in reversed(trace):
        depth = len(substitution.place)
        if problem.path[:depth] == substitution.place:
            return replace(problem, path=(*substitution.text, *problem.path[depth:]))
        if substitution.known < len(problem.path) and problem.path == substitution.place[: len(problem.path)]:
            return replace(problem, path=substitution.key)
    return problem


def _put_into_copies(tree: Any, place: Path, value: Any, copies: set[int]) -> None:
    """Sets what stands at `place`; of what leads there, copies take the place of all that is none yet."""
    for part in place[:-1]:
        below = tree[part]
        if id(below) not in copies:
            below = tree[part] = below.copy()
            copies.add(id(below))
        tree = below
    tree[place[-1]] = value


def _copied(tree: Any) -> Any:
    """A copy to put values in. Dimensions are shared: what stands for them is put in their place, never inside."""
    if isinstance(tree, dict) and not is_dimension(tree):
        return {key: _copied(value) for key, value in tree.items()}
    return [_copied(value) for value in tree] if isinstance(tree, list) else tree


def parse_key(key: str) -> Path:
    """`model.0.Dense.units` -> ("model", 0, "Dense", "units"); raises KeyError for what cannot be a path."""
    parts = key.split(".")
    if "" in parts or len(parts) > MAX_DEPTH:
        raise KeyError(key)
    return tuple(int(part) if part.isdecimal() and len(part) <= MAX_INDEX_DIGITS else part for part in parts)


def put(tree: Any, path: Path, value: Any) -> Path:
    """Sets the value at `path`, making mappings on the way where there is nothing yet; the path as the tree has it.

    Raises KeyError or IndexError where the path leads through a number or past the end of a list.
    """
    place: list[str | int] = []
    for part, following in pairwise(path):
        key = _key(tree, part)
        below = tree.get(key) if isinstance(tree, dict) else tree[key]
        tree[key] = _opened(below, following)
        tree = tree[key]
        place.append(key)
    last = _key(tree, path[-1])
    tree[last] = value
    return (*place, last)


def _key(tree: Any, part: str | int) -> str | int:
    if isinstance(tree, dict):
        return str(part)
    if not isinstance(tree, list) or not isinstance(part, int):
        raise KeyError(part)
    if part >= len(tree):
        raise IndexError(part)
    return part


def _opened(below: Any, following: str | int) -> Any:
    """What a path goes on into: a name gives way to its arguments, a dimension to one value."""
    if below is None:
        return {}
    if isinstance(below, str) and isinstance(following, str):
        # `optimizer: adam` and an override of `optimizer.Adam.learning_rate`
        return {}
    if is_dimension(below) and following != "step" and following not in below:
        return {}
    return below
