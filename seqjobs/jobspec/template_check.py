"""Checks the sections of a spec at every value that a dimension or a variant can bring in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from seqjobs.errors.problems import Path, Problem, Problems
from seqjobs.jobspec.candidates import candidates
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.dimensions import Dimension, Range, is_dimension
from seqjobs.jobspec.meaning import Meaning, meaning_of
from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.jobspec.substitution import Assignment, Substitution, in_text, override, substitute
from seqjobs.jobspec.trial_check import check_files, check_trial
from seqjobs.jobspec.trial_sections import TRIAL_SECTIONS, Sections, read_sections


@dataclass(frozen=True, kw_only=True)
class _Case:
    """The sections at one assignment: `changed` against the first case, `trace` to find the text again."""

    tree: dict[str, Any]
    trace: list[Substitution]
    changed: frozenset[str] = frozenset(TRIAL_SECTIONS)
    ranges: tuple[Range, ...] = ()
    variant: int | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What is known of a template without mistakes."""

    default_metric: str
    """What trials are ranked by where the spec does not say: a column that the history of every trial has."""


def check_template(
    template: Mapping[str, Any],
    dimensions: tuple[Dimension, ...],
    variants: tuple[Assignment, ...],
    objective: ObjectiveSpec | None,
    folder: FilePath | None,
    problems: Problems,
) -> Checked | None:
    """Notes every mistake once, where it is written; None where the first case already has some.

    Data files are looked for in `folder`, or not at all.
    """
    first: Sections | None = None
    looked_for: list[DataSpec] = []
    meanings: dict[Meaning, int] = {}
    seen: set[tuple[str, str, Path]] = set()
    is_complete = is_validated = True
    for case in _cases(template, dimensions, variants):
        found = Problems()
        sections = read_sections(case.tree, found, known=first, changed=case.changed)
        check_trial(sections, case.tree, objective, found)
        # Also where another section is wrong: a missing file is a mistake of its own.
        if folder is not None and sections.data is not None and sections.data not in looked_for:
            looked_for.append(sections.data)
            check_files(sections.data, case.tree["data"], folder, found)
        _check_meaning(case, sections, meanings, found)
        first = first or sections
        is_complete = is_complete and sections.complete() is not None
        is_validated = is_validated and _is_validated(sections)
        for problem in found:
            moved = in_text(_of_range(problem, case.ranges), case.trace)
            mark = (moved.code, moved.what, moved.path)
            if mark not in seen and not _in_dimension(case, problem.path):
                seen.add(mark)
                problems.extend([moved])
    return Checked(default_metric="val_loss" if is_validated else "loss") if is_complete else None


def _cases(
    template: Mapping[str, Any], dimensions: tuple[Dimension, ...], variants: tuple[Assignment, ...]
) -> Iterator[_Case]:
    for candidate in candidates(dimensions):
        trace: list[Substitution] = []
        tree = substitute(template, dimensions, candidate.assignment, trace)
        ranges = tuple(made for made in dimensions if isinstance(made, Range) and made.key in candidate.assignment)
        sections = TRIAL_SECTIONS if candidate.target is None else (str(candidate.target.at.place[0]),)
        yield _Case(tree=tree, trace=trace, changed=frozenset(sections), ranges=ranges)
    for number, variant in enumerate(variants):
        if variant:
            trace = []
            tree = override(template, variant, ("variants", number), trace)
            changed = frozenset(key.split(".")[0] for key in variant)
            yield _Case(tree=tree, trace=trace, changed=changed, variant=number)


def _is_validated(sections: Sections) -> bool:
    """Whether there is validation, and so a `val_loss`."""
    data, fit = sections.data, sections.fit
    return (data is not None and data.validation is not None) or (fit is not None and fit.validation_split > 0)


def _check_meaning(case: _Case, sections: Sections, meanings: dict[Meaning, int], problems: Problems) -> None:
    """Notes a variant that trains what an earlier one does: it would be the same trial."""
    trial = sections.complete()
    if case.variant is None or trial is None:
        return
    other = meanings.setdefault(meaning_of(trial), case.variant)
    if other != case.variant:
        what = f"this variant means the same as the variant {other}"
        problems.add("E213", ("variants", case.variant), what, fix="remove one of them, or change a value.")


def _of_range(problem: Problem, ranges: tuple[Range, ...]) -> Problem:
    """The problem with a bound of a range: mended by other bounds, or another kind, not by another value."""
    target = next((made for made in ranges if made.at.place == problem.path), None)
    if target is None or problem.at == "key":
        return problem
    if not target.is_integer and "whole number" in problem.what:
        kind = "log_int_uniform" if target.is_log else "int_uniform"
        return replace(problem, got=f"a {target.kind}", fix=f"use {kind}.")
    return replace(problem, fix=f"narrow the bounds of {target.kind}.")


def _in_dimension(case: _Case, path: Path) -> bool:
    """Whether a path leads into a dimension that could not be read, whose mistake is noted already."""
    tree: Any = case.tree
    for depth in range(len(path) + 1):
        if is_dimension(tree) and not _has_values_below(case, path[:depth]):
            return True
        part = path[depth] if depth < len(path) else None
        if isinstance(tree, dict) and part in tree:
            tree = tree[str(part)]
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return False
    return False


def _has_values_below(case: _Case, path: Path) -> bool:
    """Whether a value was put inside what stands there: inside a dimension none ever is."""
    return any(len(made.place) > len(path) and made.place[: len(path)] == path for made in case.trace)
