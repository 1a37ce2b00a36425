"""validate_section: plain values -> a section, or its mistakes in the words of this project."""

from __future__ import annotations

import re
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from seqjobs.errors.problems import Path, Problems, did_you_mean, nearest, shown
from seqjobs.jobspec.column_spec import ColumnSpec
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.rejection import carried_problems
from seqjobs.jobspec.sections import (
    CompileSpec,
    FitSpec,
    KeepSpec,
    LimitsSpec,
    ObjectiveSpec,
    ResourcesSpec,
    SearchSpec,
)

SectionT = TypeVar("SectionT", bound=BaseModel)

SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataSpec,
    "compile": CompileSpec,
    "fit": FitSpec,
    "search": SearchSpec,
    "objective": ObjectiveSpec,
    "resources": ResourcesSpec,
    "limits": LimitsSpec,
    "keep": KeepSpec,
}

# Above this similarity, a key is a misspelling of the other one: `metric` of `metrics`, but not `validation_split` of
# `validation`.
SAME_WORD = 0.85
# The most mistakes that are noted in one section; 20 of a file are shown.
MAX_NOTED = 200

# pydantic's error types -> our code, what was expected, and how to fix it; `{}` takes values of the error's context.
_MESSAGES: dict[str, tuple[str, str, str]] = {
    "int_type": ("E205", "a whole number is expected", "write a whole number, without quotes or a decimal point"),
    "float_type": ("E205", "a number is expected", "write a number, without quotes"),
    "bool_type": ("E205", "true or false is expected", "write true or false, without quotes"),
    "string_type": ("E205", "a string is expected", "write a text, in quotes if it looks like a number"),
    "string_too_short": ("E205", "a string that is not empty is expected", "write a text, or remove the key"),
    "too_short": ("E206", "at least one item is needed", "write an item, or remove the key"),
    "greater_than": ("E206", "a number above {gt} is expected", "write a larger number"),
    "greater_than_equal": ("E206", "a number of at least {ge} is expected", "write a larger number"),
    "less_than": ("E206", "a number below {lt} is expected", "write a smaller number"),
    "less_than_equal": ("E206", "a number of at most {le} is expected", "write a smaller number"),
    "finite_number": ("E206", "a finite number is expected", "write a finite number"),
    "literal_error": ("E206", "{expected} is expected", "write {expected}"),
    "model_type": ("E205", "a mapping is expected", "write its keys on lines of their own below it"),
    "dict_type": ("E205", "a list of columns, or a mapping of them, is expected", "write [a, b], or a: raw below it"),
    "tuple_type": ("E205", "a list is expected", "write [a, b, ...]"),
}


def validate_section(
    section: type[SectionT],
    value: Any,
    problems: Problems,
    *,
    path: Path = (),
    other_keys: tuple[str, ...] = (),
) -> SectionT | None:
    """Return the section, or None with every mistake noted.

    `other_keys` are the keys that the caller reads; they are suggested for unknown ones.
    """
    try:
        return section.model_validate(value)
    except ValidationError as errors:
        for error in errors.errors(include_url=False)[:MAX_NOTED]:
            _note(error, section, value, path, problems, other_keys)
        return None


def missing(name: str, path: Path, problems: Problems) -> None:
    """Note that a key is missing in the mapping at `path`."""
    fix = "add `direction: minimize` or `direction: maximize`." if name == "direction" else f"add `{name}:`."
    problems.add("E202", path, f"'{name}' is missing", fix=fix, at="key")


def _note(
    error: Any, section: type[BaseModel], value: Any, path: Path, problems: Problems, other_keys: tuple[str, ...]
) -> None:
    kind, context, loc = error["type"], error.get("ctx", {}), tuple(error["loc"])
    inner = _existing(value, loc)
    here = (*path, *inner)
    if kind == "problems":
        problems.extend(carried_problems(context, here))
    elif kind == "extra_forbidden":
        problems.add(
            "E201", here, f"unknown key {shown(inner[-1])}", fix=_known_key(section, here, other_keys), at="key"
        )
    elif kind == "missing":
        missing(str(loc[-1]), (*path, *loc[:-1]), problems)
    elif kind in _MESSAGES:
        code, what, fix = (text.format(**context) for text in _MESSAGES[kind])
        if kind == "literal_error" and isinstance(error["input"], str):
            near = nearest(error["input"], re.findall("'([^']*)'", context["expected"]))
            fix = f"did you mean '{near}'?" if near else fix
        if kind == "less_than" and context["lt"] == 1 and 1 < error["input"] < 100:  # a percentage
            fix = f"did you mean {error['input'] / 100:g}?"
        what = f"{what}, not null" if error["input"] is None else what
        fix = fix if fix.endswith("?") else fix + _example(section, here, kind)
        problems.add(code, here, what, got=error["input"], fix=fix)
    else:
        problems.add("E206", here, error["msg"].lower(), got=error["input"], fix="see `seqjobs schema`.")


def _existing(value: Any, loc: Path) -> Path:
    """Return the part of pydantic's `loc` that is in the value; pydantic adds names of union members."""
    path: list[str | int] = []
    for part in loc:
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if not in_list and not (isinstance(value, dict) and part in value):
            break
        value = value[part]
        path.append(part)
    return tuple(path)


def _class_at(section: type[BaseModel], path: Path) -> type[BaseModel] | None:
    if path[:2] == ("data", "features"):
        return ColumnSpec if len(path) == 3 else None
    found = SECTIONS.get(str(path[0])) if path else section
    for part in path[1:]:
        found = _class_of(found, str(part))
    return found


def _class_of(section: type[BaseModel] | None, name: str) -> type[BaseModel] | None:
    """Return the class of a field that is a section itself, such as `data.csv`."""
    field = section.model_fields.get(name) if section is not None else None
    kinds = () if field is None else (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _known_key(section: type[BaseModel], path: Path, other_keys: tuple[str, ...]) -> str:
    """Return the fix for an unknown key: the nearest one there, else the section that has a key like it."""
    name, found = str(path[-1]), _class_at(section, path[:-1])
    known = (*(found.model_fields if found is not None else ()), *(other_keys if len(path) == 1 else ()))
    for other, fields in SECTIONS.items():
        # A key that another section has exactly is more likely meant than one here that only resembles it.
        is_exact = name in fields.model_fields and not nearest(name, known, SAME_WORD)
        near = nearest(name, fields.model_fields) if is_exact or not nearest(name, known) else None
        if near is not None and fields is not found:
            return f"did you mean '{near}' in the section `{other}`?"
    return did_you_mean(name, known)


def _example(section: type[BaseModel], path: Path, kind: str) -> str:
    """Return `, such as 32` with the default, where a value of another size or type is expected."""
    found = _class_at(section, path[:-1]) if path else None
    field = found.model_fields.get(str(path[-1])) if found is not None else None
    if field is None or kind in ("literal_error", "bool_type"):
        return ""
    return f", such as {field.default}" if isinstance(field.default, int | float | str) else ""
