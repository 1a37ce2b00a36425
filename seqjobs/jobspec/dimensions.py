"""Dimensions: the places in a spec where a range of values stands instead of one."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal

from seqjobs.errors.problems import Path, Problems, dotted, nearest, shown

RangeKind = Literal["uniform", "log_uniform", "int_uniform", "log_int_uniform"]
RANGE_KINDS: tuple[RangeKind, ...] = ("uniform", "log_uniform", "int_uniform", "log_int_uniform")
KINDS = ("choice", *RANGE_KINDS)

MAX_OPTIONS = 1000
# Each is checked by itself when a spec is read.
MAX_TOTAL_OPTIONS = 2000
MAX_DIMENSIONS = 500
MAX_LABEL_LENGTH = 40
# A step of a smaller part of its range is a slip, and numbers of it are no longer told apart in a float.
MAX_STEPS = 10**9
# What a number in a range may be at most, so that sums and differences of them stay finite.
MAX_NUMBER = 1e300

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

    @cached_property
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

    @cached_property
    def key(self) -> str:
        """The hyperparameter's name."""
        return dotted(self.at.name)

    def typed(self, value: float) -> float | int:
        """The value as one of this range is: `uniform: [8, 64]` gives 8.0."""
        return int(value) if self.is_integer else float(value)

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
    """Whether a mapping stands for a dimension, be it with a slip in it, and not for a name with arguments."""
    if not isinstance(value, dict):
        return False
    kinds = [kind for kind in KINDS if kind in value]
    if not kinds:
        return _misspelt_kind(value) is not None
    # Beside other keys, a list of scalars tells a dimension from a column that is named `choice`.
    return set(value) <= {*KINDS, "step"} or any(_is_list_of_scalars(value[kind]) for kind in kinds)


def _misspelt_kind(tree: dict[str, Any]) -> str | None:
    """The key of `{log_unifrom: [1, 2]}` that was meant to be a kind."""
    names = [key for key in tree if key != "step"]
    if len(names) == 1 and isinstance(tree[names[0]], list) and _meant_kind(names[0]):
        return names[0]
    return None


@cache
def _meant_kind(name: str) -> str | None:
    # Stricter than for other names: `units` is like `uniform` too.
    return nearest(name, KINDS, cutoff=0.8)


def _is_list_of_scalars(value: object) -> bool:
    return isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)


def find_dimensions(tree: Any, path: Path, problems: Problems) -> tuple[Dimension, ...]:
    """All dimensions at or below `path`, in the order of the text; a mistake in one is noted (E211)."""
    return tuple(_find(tree, Location(place=path, name=path, text=path), (), problems))


def find_architectures(tree: dict[str, Any], path: Path, problems: Problems) -> tuple[Dimension, ...]:
    """A mapping of names to layer lists: a choice of the name, and the dimensions within each list."""
    options = tuple(Option(label=name, value=layers, text=(*path, name)) for name, layers in tree.items())
    choice = Choice(at=Location(place=path, name=path, text=path), options=options)
    return (choice, *_within(choice, problems))


def places_of_dimensions(tree: Any, path: Path) -> Iterator[Path]:
    """Where dimensions are written at or below `path`, whether they can be read or not."""
    if is_dimension(tree):
        yield path
        return
    for key, value in _items(tree):
        yield from places_of_dimensions(value, (*path, key))


def _items(tree: Any) -> Iterator[tuple[str | int, Any]]:
    return iter(tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ())


def _find(tree: Any, at: Location, conditions: tuple[Condition, ...], problems: Problems) -> Iterator[Dimension]:
    if is_dimension(tree):
        dimension = _read(tree, at, conditions, problems)
        if dimension is not None:
            yield dimension
        if isinstance(dimension, Choice):
            yield from _within(dimension, problems)
        return
    for key, value in _items(tree):
        yield from _find(value, at.below(key), conditions, problems)


def _within(choice: Choice, problems: Problems) -> Iterator[Dimension]:
    """The dimensions inside the options of a choice, each active under its option alone."""
    for option in choice.options:
        # An option `{Adam: {learning_rate: ...}}` brings its label into the names below it by itself.
        labelled = isinstance(option.value, dict) and list(option.value) == [option.label]
        named = labelled and not is_dimension(option.value)
        name = choice.at.name if named else (*choice.at.name, option.label)
        at = Location(place=choice.at.place, name=name, text=option.text)
        yield from _find(option.value, at, (*choice.conditions, (choice.key, option.label)), problems)


def _read(
    tree: dict[str, Any], at: Location, conditions: tuple[Condition, ...], problems: Problems
) -> Dimension | None:
    kinds = [kind for kind in KINDS if kind in tree]
    if misspelt := None if kinds else _misspelt_kind(tree):
        fix = f"did you mean '{_meant_kind(misspelt)}'?"
        problems.add("E211", (*at.text, misspelt), f"unknown kind of dimension {shown(misspelt)}", fix=fix, at="key")
        return None
    unknown = [key for key in tree if key not in (*KINDS, "step")]
    for key in unknown:
        what = f"a dimension has no key {shown(key)}"
        fix = "did you mean 'step'?" if nearest(key, ["step"]) else "remove it."
        problems.add("E211", (*at.text, key), what, fix=fix, at="key")
    if len(kinds) > 1:
        problems.add(
            "E211", at.text, "a dimension has only one kind", got=kinds, fix=f"keep one of {', '.join(kinds)}."
        )
    if unknown or len(kinds) > 1:
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
        return None
    if not isinstance(values, list) or not values:
        problems.add("E211", here, "a choice is a list of at least one value", got=values, fix="write [a, b, ...].")
        return None
    if len(values) > MAX_OPTIONS:
        what = f"a choice has at most {MAX_OPTIONS:,} values, not {len(values):,}"
        problems.add("E214", here, what, fix="list fewer, or use uniform or int_uniform.")
        return None
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if first.setdefault(_identity(value), index) != index:
            problems.add("E211", (*here, index), "this value is listed twice", got=value, fix="remove one of them.")
    if len(first) < len(values):
        return None
    options = [
        Option(label=label, value=value, text=(*here, index))
        for index, (label, value) in enumerate(zip(_labels(values), values, strict=True))
    ]
    return Choice(at=at, options=tuple(options), conditions=conditions)


def _labels(values: list[Any]) -> list[str]:
    """What names the options: each text, with a number where it would name several."""
    labels = [_label(value, index) for index, value in enumerate(values)]
    counts = Counter(labels)
    numbered = [label if counts[label] == 1 else f"{label}#{index}" for index, label in enumerate(labels)]
    # A string that looks like a numbered label, as 'Adam#1' beside two mappings of Adam, would name another option.
    return numbered if len(set(numbered)) == len(values) else [f"#{index}" for index in range(len(values))]


def _label(value: Any, index: int) -> str:
    """A scalar by its text, a mapping of one key by that key, a short list by its text, else a number."""
    if isinstance(value, dict):
        kind = next((kind for kind in KINDS if kind in value), None) if is_dimension(value) else None
        return kind or (next(iter(value)) if len(value) == 1 else f"#{index}")
    if isinstance(value, list):
        text = f"[{', '.join(_scalar_text(item) for item in value)}]"
        return text if _is_list_of_scalars(value) and len(text) <= MAX_LABEL_LENGTH else f"#{index}"
    return _scalar_text(value)


def _scalar_text(value: object) -> str:
    if isinstance(value, bool | type(None)):
        return "null" if value is None else str(value).lower()
    return str(value)


def _identity(value: object) -> str:
    """Equal for what YAML means as equal: `1`, `1.0` and `true` are three values."""
    return json.dumps(value, sort_keys=True)


def same(left: object, right: object) -> bool:
    """Equal as YAML means it."""
    return type(left) is type(right) and left == right


def _read_range(
    tree: dict[str, Any], at: Location, conditions: tuple[Condition, ...], problems: Problems
) -> Range | None:
    kind = next(kind for kind in RANGE_KINDS if kind in tree)
    here, bounds = (*at.text, kind), tree[kind]
    number = "whole number" if kind in ("int_uniform", "log_int_uniform") else "number"
    fix = f"write {kind}: [low, high]."
    if not isinstance(bounds, list) or len(bounds) != 2:
        problems.add("E211", here, f"{kind} takes two numbers", got=bounds, fix=fix)
        return None
    wrong = [index for index, bound in enumerate(bounds) if not _is_number(bound, number)]
    for index in wrong:
        problems.add("E211", (*here, index), f"a bound of {kind} is a finite {number}", got=bounds[index], fix=fix)
    if wrong:
        return None
    low, high = bounds
    if low >= high:
        problems.add("E211", here, "low must be below high", got=bounds, fix="swap the bounds, or widen the range.")
        return None
    if kind.startswith("log") and low <= 0:
        problems.add(
            "E211",
            (*here, 0),
            f"{kind} needs a low above 0",
            got=low,
            fix=f"raise it, or use {kind.removeprefix('log_')}.",
        )
        return None
    step: Any = tree.get("step")
    smallest = 1 if number == "whole number" else (high - low) / MAX_STEPS
    if "step" in tree and not (_is_number(step, number) and smallest <= step <= high - low):
        what = f"a step is a {number} above 0 that fits the range"
        fix = f"write one of at most {high - low:g}, or remove it."
        problems.add("E211", (*at.text, "step"), what, got=step, fix=fix)
        return None
    return Range(at=at, kind=kind, low=low, high=high, step=step, conditions=conditions)


def _is_number(value: object, number: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if number == "whole number" else int | float):
        return False
    return math.isfinite(value) and abs(value) <= MAX_NUMBER


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
