"""short_names: `model.2.Dense.units` -> `units`, where nothing else in the run is called so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from seqjobs.spec.job_spec import Assignment


def hyperparameter_keys(assignments: Iterable[Assignment]) -> tuple[str, ...]:
    """Every hyperparameter that occurs, in the order of first sight."""
    return tuple(dict.fromkeys(key for assignment in assignments for key in assignment))


def short_names(keys: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """The shortest dotted suffix of each key that no other key ends in and that is not `taken`.

    A suffix of numbers alone says nothing, so it is longer by what the numbers count.
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
