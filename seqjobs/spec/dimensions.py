"""Dimensions: the places in a spec where a range of values stands instead of one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from seqjobs.spec.problems import Path, Problems, dotted

RangeKind = Literal["uniform", "log_uniform", "int_uniform", "log_int_uniform"]
RANGE_KINDS: tuple[RangeKind, ...] = ("uniform", "log_uniform", "int_uniform", "log_int_uniform")
KINDS = ("choice", *RANGE_KINDS)

Condition = tuple[str, str]
"""A dimension's key and the label of the option under which something stands."""


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a dimension stands.

    `place` is where its value goes in the assigned sections, `name` the same with the labels of the options
    around it, so that no two dimensions share one, `text` where it is written in the file.
    """

    place: Path
    name: Path
    text: Path

    def below(self, key: str | int) -> Location:
        return Location(place=(*self.place, key), name=(*self.name, key), text=(*self.text, key))


@dataclass(frozen=True, kw_only=True)
class Option:
    """One value of a choice; `value` may itself hold dimensions, which are active only when it is chosen."""

    label: str
    value: Any
    text: Path


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of the listed values."""

    at: Location
    options: tuple[Option, ...]
    conditions: tuple[Condition, ...] = ()

    @property
    def key(self) -> str:
        """The hyperparameter's name."""
        return dotted(self.at.name)


@dataclass(frozen=True, kw_only=True)
class Range:
    """A number from `low` to `high`, both allowed; `step` keeps it to low + k * step."""

    at: Location
    kind: RangeKind
    low: float
    high: float
    step: float | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def key(self) -> str:
        """The hyperparameter's name."""
        return dotted(self.at.name)

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int_uniform", "log_int_uniform")

    @property
    def is_continuous(self) -> bool:
        return self.step is None and not self.is_integer

    @property
    def is_log(self) -> bool:
        return self.kind in ("log_uniform", "log_int_uniform")


Dimension = Choice | Range


def is_dimension(value: object) -> bool:
    """Whether a mapping stands for a dimension: one of the kinds, and at most `step` beside it."""
    return isinstance(value, dict) and any(kind in value for kind in KINDS) and set(value) <= {*KINDS, "step"}


def find_dimensions(tree: Any, path: Path, problems: Problems) -> tuple[Dimension, ...]:
    """All dimensions at or below `path`, in the order of the text; a mistake in one is noted (E211)."""
    return tuple(_find(tree, Location(place=path, name=path, text=path), (), problems))


def find_architectures(tree: dict[str, Any], path: Path, problems: Problems) -> tuple[Dimension, ...]:
    """A mapping of names to layer lists: a choice of the name, and the dimensions within each list."""
    options = tuple(Option(label=name, value=layers, text=(*path, name)) for name, layers in tree.items())
    choice = Choice(at=Location(place=path, name=path, text=path), options=options)
    return (choice, *_within(choice, problems))


def _find(tree: Any, at: Location, conditions: tuple[Condition, ...], problems: Problems) -> Iterator[Dimension]:
    if is_dimension(tree):
        dimension = _read(tree, at, conditions, problems)
        if dimension is not None:
            yield dimension
        if isinstance(dimension, Choice):
            yield from _within(dimension, problems)
        return
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from _find(value, at.below(key), conditions, problems)


def _within(choice: Choice, problems: Problems) -> Iterator[Dimension]:
    """The dimensions inside the options of a choice, each active under its option alone."""
    for option in choice.options:
        # An option `{Adam: {learning_rate: ...}}` brings its label into the names below it by itself.
        labelled = isinstance(option.value, dict) and list(option.value) == [option.label]
        name = choice.at.name if labelled else (*choice.at.name, option.label)
        at = Location(place=choice.at.place, name=name, text=option.text)
        yield from _find(option.value, at, (*choice.conditions, (choice.key, option.label)), problems)


def _read(
    tree: dict[str, Any], at: Location, conditions: tuple[Condition, ...], problems: Problems
) -> Dimension | None:
    kinds = [kind for kind in KINDS if kind in tree]
    if len(kinds) > 1:
        problems.add("E211", at.text, "a dimension has one kind", got=kinds, fix=f"keep one of {', '.join(kinds)}.")
        return None
    if "choice" in tree:
        return _read_choice(tree, at, conditions, problems)
    return _read_range(tree, at, conditions, problems)


def _read_choice(
    tree: dict[str, Any], at: Location, conditions: tuple[Condition, ...], problems: Problems
) -> Choice | None:
    values, here = tree["choice"], (*at.text, "choice")
    if "step" in tree:
        problems.add("E211", (*at.text, "step"), "a choice has no step", fix="remove it.", at="key")
    if not isinstance(values, list) or not values:
        problems.add("E211", here, "a choice is a list of at least one value", got=values, fix="write [a, b, ...].")
        return None
    labels = [_label(value) for value in values]
    options = []
    for index, value in enumerate(values):
        if any(same(value, other) for other in values[:index]):
            problems.add("E211", (*here, index), "this value is listed twice", got=value, fix="remove one of them.")
        label = labels[index] if labels.count(labels[index]) == 1 else f"{labels[index]}#{index}"
        options.append(Option(label=label, value=value, text=(*here, index)))
    return Choice(at=at, options=tuple(options), conditions=conditions)


def _label(value: object) -> str:
    """What names an option: a mapping of one key by that key, anything else by its text."""
    if isinstance(value, dict) and len(value) == 1:
        return str(next(iter(value)))
    if isinstance(value, bool | type(None)):
        return "null" if value is None else str(value).lower()
    return str(value)


def same(left: object, right: object) -> bool:
    """Equal as YAML means it: `1`, `1.0` and `true` are three values."""
    return type(left) is type(right) and left == right


def _read_range(
    tree: dict[str, Any], at: Location, conditions: tuple[Condition, ...], problems: Problems
) -> Range | None:
    kind = next(kind for kind in RANGE_KINDS if kind in tree)
    here, bounds, step = (*at.text, kind), tree[kind], tree.get("step")
    integer = kind in ("int_uniform", "log_int_uniform")
    number = "whole number" if integer else "number"
    fix = f"write {kind}: [low, high]."
    if not isinstance(bounds, list) or len(bounds) != 2:
        problems.add("E211", here, f"{kind} takes two numbers", got=bounds, fix=fix)
        return None
    for index, bound in enumerate(bounds):
        if not _is_number(bound, integer):
            problems.add("E211", (*here, index), f"a bound of {kind} is a finite {number}", got=bound, fix=fix)
            return None
    low, high = bounds
    if low >= high:
        problems.add("E211", here, "low must be below high", got=bounds, fix="swap or widen them.")
        return None
    if kind.startswith("log") and low <= 0:
        problems.add("E211", (*here, 0), f"{kind} needs a low above 0", got=low, fix="raise it, or drop the log.")
        return None
    if step is not None and (not _is_number(step, integer) or not 0 < step <= high - low):
        what = f"a step is a {number} above 0 that fits the range"
        problems.add("E211", (*at.text, "step"), what, got=step, fix=f"write one of at most {high - low}.")
        return None
    return Range(at=at, kind=kind, low=low, high=high, step=step, conditions=conditions)


def _is_number(value: object, integer: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if integer else int | float):
        return False
    return math.isfinite(value)


def is_active(dimension: Dimension, labels: Mapping[str, str]) -> bool:
    """Whether a dimension applies under the options chosen so far (key -> label)."""
    return all(labels.get(key) == label for key, label in dimension.conditions)


def chosen(choice: Choice, value: Any) -> Option:
    """The option that an assignment's value means; the inverse of `written`."""
    for option in choice.options:
        if same(written(option), value):
            return option
    raise KeyError(f"{choice.key} has no option {value!r}")


def written(option: Option) -> Any:
    """How an option stands in an assignment: a scalar as itself, a mapping or list by its label."""
    return option.label if isinstance(option.value, dict | list) else option.value
