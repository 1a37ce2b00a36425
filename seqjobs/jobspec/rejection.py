"""Rejections: what a field's validator found wrong, carried through pydantic's one error a field."""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticCustomError

from seqjobs.errors.problems import Path, Problem, Problems


def problems_error(problems: Problems) -> PydanticCustomError:
    """Carries several problems, with paths relative to the field."""
    return PydanticCustomError("problems", "several problems", {"problems": list(problems)})


def carried_problems(context: dict[str, Any], path: Path) -> list[Problem]:
    """The inverse of `problems_error`, with paths made absolute."""
    found: list[Problem] = context["problems"]
    return [
        Problem(code=p.code, path=(*path, *p.path), what=p.what, got=p.got, fix=p.fix, at=p.at if p.path else "value")
        for p in found
    ]


def rejection(code: str, what: str, got: object, fix: str, path: Path = ()) -> PydanticCustomError:
    """One problem, to be raised by a validator."""
    problems = Problems()
    problems.add(code, path, what, got=got, fix=fix)
    return problems_error(problems)
