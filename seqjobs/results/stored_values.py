"""Checks of JSON values that come out of a run folder, which somebody else may have written.

What passes is safe to use: names, IDs and digests as parts of paths, numbers in tables, strings in UTF-8.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from seqjobs.errors.problems import shown
from seqjobs.jobspec.sections import NAME_PATTERN

MOST = 2**63 - 1
"""The largest whole number that a table holds."""
MAX_DEPTH = 32
"""How deep a value of a spec is nested at most; a spec is nested less."""
_MAX_SHOWN = 200
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})
_ID = re.compile(r"[0-9a-f]{8,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(NAME_PATTERN)
# A run that a program began may have any name, as long as it is safe in a command.
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_TIME = re.compile(r"[0-9T:.+Z-]{1,40}")

Test = Callable[[Any], bool]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One key of an object: whether a value can be its value, what is expected, and whether it must be there."""

    test: Test
    expected: str
    required: bool = True


Fields = Mapping[str, Field]


def parse_json(content: bytes) -> Any:
    """Return the value. Raises ValueError for what is not JSON, and for values that are nested too deeply."""
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")


def check_fields(tree: object, fields: Fields, place: str) -> None:
    """Raises ValueError for the first field that is missing or has a value that it cannot have; others may be there."""
    if not isinstance(tree, dict):
        raise ValueError(f"{place} is not an object")
    for name, field in fields.items():
        if name not in tree:
            if field.required:
                raise ValueError(f"{place} has no {name!r}")
        elif not field.test(tree[name]):
            raise ValueError(f"{place}.{name} is not {field.expected} (got {_brief(tree[name])})")


def _brief(value: object) -> str:
    """Return a value of any size in a few words."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return shown(value[:_MAX_SHOWN] if isinstance(value, str) else value)


def is_id(value: object) -> bool:
    """Return whether it is the ID of a trial, a pack or a dataset."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_digest(value: object) -> bool:
    """Return whether it is a SHA-256."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def is_name(value: object) -> bool:
    """Return whether it can be the name of a job."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_run_id(value: object) -> bool:
    """Return whether it can be the ID of a run."""
    return isinstance(value, str) and _RUN.fullmatch(value) is not None


def is_time(value: object) -> bool:
    """Return whether it has nothing but the characters of a date."""
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """Return whether it is a string that UTF-8 can have."""
    if not isinstance(value, str) or value.isascii():
        return isinstance(value, str)
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_message(value: object) -> bool:
    """Return whether it is a string; one of these may quote the name of a file that is not UTF-8."""
    return isinstance(value, str)


def is_path(value: object) -> bool:
    """Return whether it is an absolute path that the system can have."""
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        return False
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def is_flag(value: object) -> bool:
    return isinstance(value, bool)


def is_count(value: object) -> bool:
    """Return whether it is a whole number of 0 or more that a table holds."""
    return type(value) is int and 0 <= value <= MOST


def is_epoch(value: object) -> bool:
    """Return whether it is the number of an epoch, or -1 for none."""
    return type(value) is int and -1 <= value <= MOST


def is_finite(value: object) -> bool:
    return (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) <= MOST)


def is_seconds(value: object) -> bool:
    return is_finite(value) and value >= 0  # type: ignore[operator] # (it is a number)


def is_metric(value: object) -> bool:
    """Return whether it is a number, or one of the words for numbers that JSON lacks."""
    return is_finite(value) or (isinstance(value, str) and value in _NOT_FINITE)


def is_value(value: object, depth: int = MAX_DEPTH) -> bool:
    """Return whether it is a value of a spec."""
    if isinstance(value, dict):
        return depth > 0 and all(is_text(key) and is_value(part, depth - 1) for key, part in value.items())
    if isinstance(value, list):
        return depth > 0 and all(is_value(part, depth - 1) for part in value)
    return value is None or isinstance(value, bool) or is_finite(value) or is_text(value)


def is_object(value: object) -> bool:
    return isinstance(value, dict)


def either(*values: object) -> Test:
    """Return a test for one of these values."""
    return lambda value: isinstance(value, str) and value in values


def or_null(test: Test) -> Test:
    return lambda value: value is None or test(value)


def list_of(test: Test) -> Test:
    return lambda value: isinstance(value, list) and all(map(test, value))


def mapping_of(key: Test, test: Test) -> Test:
    return lambda value: isinstance(value, dict) and all(map(key, value)) and all(map(test, value.values()))


def check_distinct(values: Collection[str], what: str) -> None:
    """Raises ValueError if two of the values are equal."""
    if len(set(values)) < len(values):
        raise ValueError(f"two {what} are equal")
