"""JobSpec: the named content of one spec file, validated."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

from seqjobs.spec.dimensions import Choice, Dimension, chosen, is_active, is_dimension
from seqjobs.spec.document import Document
from seqjobs.spec.problems import Path
from seqjobs.spec.sections import KeepSpec, LimitsSpec, ObjectiveSpec, ResourcesSpec, SearchSpec, TrialSpec

Assignment = Mapping[str, Any]
"""Hyperparameters: the dotted path of a dimension -> the value it takes, JSON values only."""

TRIAL_SECTIONS = ("data", "model", "compile", "fit")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The text a job was read from, as it stands in the file, and the overrides given beside it."""

    path: FilePath
    text: str
    overrides: tuple[str, ...] = ()

    @property
    def folder(self) -> FilePath:
        """What relative paths in the spec are relative to."""
        return self.path.parent


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """A job: what every trial shares, and the template and dimensions that trials are made of.

    `template` holds the sections in which dimensions may stand, as written; `trial` gives them at one assignment.
    """

    name: str
    seed: int
    search: SearchSpec
    objective: ObjectiveSpec
    resources: ResourcesSpec
    limits: LimitsSpec
    keep: KeepSpec
    template: Mapping[str, Any]
    dimensions: tuple[Dimension, ...]
    variants: tuple[Assignment, ...]
    source: Source
    document: Document
    """Where everything stands in the text."""

    def trial(self, assignment: Assignment) -> TrialSpec:
        """The sections with every dimension (or variant override) at the value that `assignment` gives it."""
        return TrialSpec.model_validate(substitute(self.template, self.dimensions, assignment))


@dataclass(frozen=True, kw_only=True)
class Substitution:
    """Where a value of the assigned sections is written: what is at or below `place` came from `text`."""

    place: Path
    text: Path


def substitute(
    template: Mapping[str, Any],
    dimensions: tuple[Dimension, ...],
    assignment: Assignment,
    trace: list[Substitution] | None = None,
) -> dict[str, Any]:
    """The template with values for dimensions; what `assignment` names beyond them is an override of a variant."""
    tree: dict[str, Any] = copy.deepcopy(dict(template))
    labels: dict[str, str] = {}
    for dimension in dimensions:
        if not is_active(dimension, labels):
            continue
        value, text = assignment[dimension.key], dimension.at.text
        if isinstance(dimension, Choice):
            option = chosen(dimension, value)
            labels[dimension.key] = option.label
            value, text = copy.deepcopy(option.value), option.text
        put(tree, dimension.at.place, value)
        if trace is not None:
            trace.append(Substitution(place=dimension.at.place, text=text))
    known = {dimension.key for dimension in dimensions}
    for key, value in assignment.items():
        if key not in known:
            put(tree, parse_key(key), copy.deepcopy(value))
    return tree


def parse_key(key: str) -> Path:
    """`model.0.Dense.units` -> ("model", 0, "Dense", "units")."""
    return tuple(int(part) if part.isdecimal() else part for part in key.split("."))


def put(tree: Any, path: Path, value: Any) -> None:
    """Sets the value at `path`, making mappings on the way where there is nothing yet.

    Raises KeyError or IndexError where the path leads through a scalar or past the end of a list.
    """
    for part, following in pairwise(path):
        if isinstance(tree, list):
            tree = tree[_index(tree, part)]
            continue
        if not isinstance(tree, dict):
            raise KeyError(part)
        key = str(part)
        below = tree.get(key)
        if isinstance(below, str) and isinstance(following, str):
            # `optimizer: Adam` and an override of `optimizer.Adam.learning_rate`
            below = {below: {}}
        tree[key] = {} if below is None or is_dimension(below) else below
        tree = tree[key]
    last = path[-1]
    if isinstance(tree, list):
        tree[_index(tree, last)] = value
    elif isinstance(tree, dict):
        tree[str(last)] = value
    else:
        raise KeyError(last)


def _index(items: list[Any], part: str | int) -> int:
    if not isinstance(part, int):
        raise KeyError(part)
    if part >= len(items):
        raise IndexError(part)
    return part
