"""From problems to lines that name the place in the text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from seqjobs.errors.problems import Problem, Problems, shown
from seqjobs.spec.document import Document
from seqjobs.spec.substitution import Assignment

if TYPE_CHECKING:
    from seqjobs.spec.job_spec import JobSpec

MAX_SHOWN = 20
MAX_VALUES_SHOWN = 5


def error_lines(problems: Iterable[Problem], document: Document) -> list[str]:
    """One line a problem, in the order of the text and then of the overrides, at most MAX_SHOWN."""
    placed = [(problem.place or document.place(problem.path, problem.at), problem) for problem in problems]
    sources = [document.source, *document.overrides]
    placed.sort(key=lambda item: _position(item[0], sources))
    return shortened(list(dict.fromkeys(problem.line(place) for place, problem in placed)))


def shortened(lines: list[str]) -> list[str]:
    hidden = len(lines) - MAX_SHOWN
    return [*lines[:MAX_SHOWN], f"... and {hidden} more"] if hidden > 0 else lines


def located(job: JobSpec, assignment: Assignment, problems: Problems) -> list[str]:
    """The same for problems in a job's sections at one assignment, which their lines name."""
    return error_lines(job.in_text(problems, assignment), job.document)


def with_assignment(problem: Problem, assignment: Assignment) -> Problem:
    """The problem, saying at which values it was found."""
    values = [f"{key}={value if isinstance(value, str) else shown(value)}" for key, value in assignment.items()]
    more = f" and {len(values) - MAX_VALUES_SHOWN} more" if len(values) > MAX_VALUES_SHOWN else ""
    named = ", ".join(values[:MAX_VALUES_SHOWN]) + more
    return replace(problem, what=f"{problem.what}, with {named}") if values else problem


def _position(place: str, sources: list[str]) -> tuple[int, int, int]:
    source, line, column = place.rsplit(":", 2)
    return sources.index(source) if source in sources else len(sources), int(line), int(column)
