"""located: problems with their places in the text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from seqjobs.errors.problems import Problem, shown
from seqjobs.jobspec.document import Document
from seqjobs.jobspec.substitution import Assignment

MAX_VALUES_SHOWN = 5


def located(problems: Iterable[Problem], document: Document) -> list[Problem]:
    """Return the problems with their places, in the order of the text and then of the overrides."""
    placed = [replace(problem, place=problem.place or document.place(problem.path, problem.at)) for problem in problems]
    sources = [document.source, *document.overrides]
    placed.sort(key=lambda problem: _position(problem.place, sources))
    return placed


def with_assignment(problem: Problem, assignment: Assignment) -> Problem:
    """Return the problem with the values at which it was found."""
    values = [f"{key}={value if isinstance(value, str) else shown(value)}" for key, value in assignment.items()]
    more = f" and {len(values) - MAX_VALUES_SHOWN} more" if len(values) > MAX_VALUES_SHOWN else ""
    named = ", ".join(values[:MAX_VALUES_SHOWN]) + more
    return replace(problem, what=f"{problem.what}, with {named}") if values else problem


def _position(place: str, sources: list[str]) -> tuple[int, int, int]:
    source, line, column = place.rsplit(":", 2)
    return sources.index(source) if source in sources else len(sources), int(line), int(column)
