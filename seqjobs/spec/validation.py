"""Runs a section's pydantic class over plain values and says its errors in our words."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from seqjobs.spec.field_docs import field_docs
from seqjobs.spec.problems import Path, Problems, did_you_mean
from seqjobs.spec.sections import (
    ColumnSpec,
    CompileSpec,
    DataSpec,
    FitSpec,
    HeaderSpec,
    KeepSpec,
    LimitsSpec,
    ObjectiveSpec,
    ResourcesSpec,
    SearchSpec,
    carried_problems,
)

SectionT = TypeVar("SectionT", bound=BaseModel)

_SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataSpec,
    "compile": CompileSpec,
    "fit": FitSpec,
    "search": SearchSpec,
    "objective": ObjectiveSpec,
    "resources": ResourcesSpec,
    "limits": LimitsSpec,
    "keep": KeepSpec,
}

# pydantic's error types -> our code and what was expected; `{}` takes values of the error's context.
_MESSAGES: dict[str, tuple[str, str]] = {
    "int_type": ("E206", "a whole number is expected"),
    "int_from_float": ("E206", "a whole number is expected"),
    "int_parsing": ("E206", "a whole number is expected"),
    "float_type": ("E205", "a number is expected"),
    "bool_type": ("E205", "true or false is expected"),
    "string_type": ("E205", "a string is expected"),
    "string_too_short": ("E205", "a string that is not empty is expected"),
    "too_short": ("E206", "at least one is needed"),
    "greater_than": ("E206", "a number above {gt} is expected"),
    "greater_than_equal": ("E206", "a number of at least {ge} is expected"),
    "less_than": ("E206", "a number below {lt} is expected"),
    "less_than_equal": ("E206", "a number of at most {le} is expected"),
    "finite_number": ("E206", "a finite number is expected"),
    "literal_error": ("E206", "one of {expected} is expected"),
    "model_type": ("E205", "a mapping is expected"),
    "dict_type": ("E205", "a mapping is expected"),
    "tuple_type": ("E205", "a list is expected"),
}


def validate_section(
    section: type[SectionT], tree: dict[str, Any], problems: Problems, *, other_keys: tuple[str, ...] = ()
) -> SectionT | None:
    """The section, or None with every mistake noted; `other_keys` are known to the caller, for did-you-mean."""
    try:
        return section.model_validate(tree)
    except ValidationError as errors:
        for error in errors.errors(include_url=False):
            _note(error, section, tree, problems, other_keys)
        return None


def _note(
    error: Any, section: type[BaseModel], tree: dict[str, Any], problems: Problems, other_keys: tuple[str, ...]
) -> None:
    kind, context = error["type"], error.get("ctx", {})
    path = _existing(tree, tuple(error["loc"]))
    if kind == "problems":
        problems.extend(carried_problems(context, path))
    elif kind == "extra_forbidden":
        known = (*_fields(section, path[:-1]), *(other_keys if len(path) == 1 else ()))
        problems.add("E201", path, f"unknown key '{path[-1]}'", fix=did_you_mean(str(path[-1]), known), at="key")
    elif kind == "missing":
        missing = tuple(error["loc"])
        problems.add("E202", missing[:-1], f"'{missing[-1]}' is missing", fix=f"add `{missing[-1]}:`.", at="key")
    else:
        code, what = _MESSAGES.get(kind, ("E206", error["msg"].lower()))
        problems.add(code, path, what.format(**context), got=error["input"], fix=_fix(section, path))


def _existing(tree: Any, loc: Path) -> Path:
    """The part of pydantic's `loc` that is in the tree: it adds names of union members."""
    path: list[str | int] = []
    for part in loc:
        if not _holds(tree, part):
            break
        tree = tree[part]
        path.append(part)
    return tuple(path)


def _holds(tree: Any, part: str | int) -> bool:
    if isinstance(tree, list):
        return isinstance(part, int) and part < len(tree)
    return isinstance(tree, dict) and part in tree


def _class_at(section: type[BaseModel], path: Path) -> type[BaseModel] | None:
    if not path:
        return section
    if len(path) == 1:
        return _SECTIONS.get(str(path[0]))
    return ColumnSpec if path[:2] == ("data", "features") and len(path) == 3 else None


def _fields(section: type[BaseModel], path: Path) -> tuple[str, ...]:
    found = _class_at(section, path)
    return tuple(found.model_fields) if found is not None else ()


def _fix(section: type[BaseModel], path: Path) -> str:
    """What the field is for, out of its documentation."""
    found = _class_at(section, path[:-1])
    text = field_docs(found).get(str(path[-1]), "") if found is not None and path else ""
    return f"`{path[-1]}` is: {text[0].lower()}{text[1:]}" if text else "see `seqjobs schema`."


__all__ = ["HeaderSpec", "validate_section"]
