"""Numbers and names of hyperparameters as people read them."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable

from seqjobs.errors.printable import clipped, printable
from seqjobs.jobspec.job_spec import Assignment

MAX_VALUE_LENGTH = 24


def shown_metric(value: float | None) -> str:
    """Format a metric with five digits, so that a column lines up: 0.98210; `-` if there is no value."""
    if value is None or math.isnan(value):
        return "-" if value is None else "nan"
    return f"{value:#.5g}" if math.isfinite(value) else f"{value:g}"


def shown_value(value: object) -> str:
    """Format a hyperparameter's value: at most five digits, no trailing zeros, one short line."""
    if isinstance(value, float):
        return f"{value:.5g}"
    if value is None or isinstance(value, bool | list | tuple | dict):
        return clipped(printable(json.dumps(value, default=str)), MAX_VALUE_LENGTH)
    return clipped(printable(value), MAX_VALUE_LENGTH)


def shown_duration(seconds: float) -> str:
    """Format a time that was measured: `0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 10 min`."""
    if seconds < 59.95:
        return f"{seconds:.2g} s" if seconds < 0.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def shown_estimate(seconds: float) -> str:
    """Format a time that is only guessed: `20 s`, `4 min`, `2 h 10 min`."""
    if seconds < 55:
        return f"{max(math.ceil(seconds / 5) * 5, 5)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(count: int, noun: str) -> str:
    """Return the count with its noun: `1 trial`, `1,200 trials`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def hyperparameter_keys(assignments: Iterable[Assignment]) -> tuple[str, ...]:
    """Return every hyperparameter that occurs, in the order of its first occurrence."""
    return tuple(dict.fromkeys(key for assignment in assignments for key in assignment))


def short_names(keys: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a short name for each key: `model.2.Dense.units` -> `units`, if nothing else in the run has that name.

    It is the shortest dotted suffix that no other key ends with and that is not `taken`. A suffix of digits alone says
    nothing, so it is extended by the word before it.
    """
    known = tuple(dict.fromkeys(keys))
    endings = Counter(suffix for key in known for suffix in _suffixes(key))
    reserved = frozenset(taken)
    return {key: _shortest(key, endings, reserved) for key in known}


def _shortest(key: str, endings: Counter[str], reserved: frozenset[str]) -> str:
    for suffix in _suffixes(key):
        if endings[suffix] == 1 and suffix not in reserved and not suffix.replace(".", "").isdecimal():
            return suffix
    return key


def _suffixes(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]
