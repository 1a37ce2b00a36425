"""From problems to lines that name the place in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seqjobs.spec.document import Document
from seqjobs.spec.job_spec import Assignment, JobSpec, Substitution, substitute
from seqjobs.spec.problems import Problem, Problems

MAX_SHOWN = 20


def error_lines(problems: Problems, document: Document) -> list[str]:
    """One line a problem, in the order of the text, at most MAX_SHOWN."""
    placed = [(document.place(problem.path, problem.at), problem) for problem in problems]
    lines = [problem.line(place) for place, problem in sorted(placed, key=lambda item: _position(item[0]))]
    hidden = len(lines) - MAX_SHOWN
    return [*lines[:MAX_SHOWN], f"... and {hidden} more"] if hidden > 0 else lines


def located(job: JobSpec, assignment: Assignment, problems: Problems) -> list[str]:
    """The same for problems in a job's sections at one assignment, which their lines name."""
    trace: list[Substitution] = []
    substitute(job.template, job.dimensions, assignment, trace)
    values = ", ".join(f"{key}={value}" for key, value in assignment.items())
    found = Problems()
    for problem in problems:
        moved = in_text(problem, trace)
        found.extend([replace(moved, what=f"{moved.what}, with {values}") if values else moved])
    return error_lines(found, job.document)


def in_text(problem: Problem, trace: Sequence[Substitution]) -> Problem:
    """The problem with its path as it stands in the file."""
    for substitution in reversed(trace):
        depth = len(substitution.place)
        if problem.path[:depth] == substitution.place:
            return replace(problem, path=(*substitution.text, *problem.path[depth:]))
    return problem


def _position(place: str) -> tuple[str, int, int]:
    source, line, column = place.rsplit(":", 2)
    return source, int(line), int(column)
