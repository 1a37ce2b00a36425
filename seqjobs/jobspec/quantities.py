"""Quantities: numbers that are written with a unit."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from seqjobs.jobspec.rejection import carried_problems, rejection

_Number = TypeVar("_Number", int, float)

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "B": 1,
    "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}  # fmt: skip
# A size below is a unit left out: no process that trains is so small.
_LEAST_BYTES, _MOST_BYTES = 1 << 20, 1 << 50


def _seconds(value: object, fix: str = "write 45s, 30m, 8h or 2d.") -> float:
    """`45s`, `30m`, `8h`, `1.5d`, or a number of seconds."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd])", value) if isinstance(value, str) else None
    seconds = float(match.group(1)) * _SECONDS[match.group(2)] if match else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e9:
        raise rejection("E206", "a time is a positive number with a unit", value, fix)
    return float(seconds)


def _stall(value: object) -> object:
    """A time as above, `auto` or `off`."""
    if value in ("auto", "off"):
        return value
    return _seconds(value, "write auto, off, or a time such as 30m or 2h.")


def _bytes(value: object) -> int:
    """`512MiB`, `4GiB`, `1.5 GB`, or a number of bytes."""
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([A-Za-z]+)", value) if isinstance(value, str) else None
    size = value
    if match and match.group(2) in _BYTES:
        size = int(float(match.group(1)) * _BYTES[match.group(2)])
    if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
        units = ", ".join(_BYTES)
        raise rejection("E206", "a size is a positive number with a unit", value, f"write 4GiB; units are {units}.")
    if not _LEAST_BYTES <= size <= _MOST_BYTES:
        raise rejection("E206", "a size is between 1MiB and 1024TiB", value, "write it with its unit, as 4GiB.")
    return size


def parse_seconds(text: str) -> float:
    """Return the seconds of a time with a unit, as a spec has it. Raises ValueError with what is wrong and a fix."""
    return _parsed(_seconds, text)


def parse_bytes(text: str) -> int:
    """Return the bytes of a size with a unit, as a spec has it. Raises ValueError with what is wrong and a fix."""
    return _parsed(_bytes, text)


def _parsed(read: Callable[[object], _Number], text: str) -> _Number:
    try:
        return read(text)
    except PydanticCustomError as error:
        (problem,) = carried_problems(dict(error.context or {}), ())
        raise ValueError(f"{problem.what}: {problem.fix}") from None


_SECONDS_SCHEMA = [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": "^[0-9.]+[smhd]$"}]
Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema({"anyOf": _SECONDS_SCHEMA}),
]
Stall = Annotated[
    float | Literal["auto", "off"],
    BeforeValidator(_stall),
    WithJsonSchema({"anyOf": [{"enum": ["auto", "off"]}, *_SECONDS_SCHEMA]}),
]
Bytes = Annotated[
    int,
    BeforeValidator(_bytes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": _LEAST_BYTES, "maximum": _MOST_BYTES},
                {"type": "string", "pattern": f"^[0-9]+(\\.[0-9]+)? ?({'|'.join(_BYTES)})$"},
            ]
        }
    ),
]
