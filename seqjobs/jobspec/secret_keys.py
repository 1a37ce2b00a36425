"""Keys that are named like secrets: no spec has one, and the message says where secrets belong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from seqjobs.errors.problems import Path, Problem, shown
from seqjobs.errors.redaction import is_secret

# Unknown keys and names, and values of a wrong form: everything below them is refused as well.
_REFUSED_WHOLE = frozenset({"E201", "E205", "E301", "E302", "E304", "E305", "E307", "E315", "E704"})
_UNKNOWN_KEY = frozenset({"E201", "E302"})
_WHERE = "set it in the environment of the process that submits, and replace it if others have seen this file"


def flag_secret_keys(problems: Iterable[Problem], tree: Any) -> Iterator[Problem]:
    """Yield the problems; keys that are named like secrets, unknown or below a wrong value, have E709."""
    told: set[Path] = set()
    for problem in problems:
        is_key = problem.code in _UNKNOWN_KEY and problem.at == "key"
        here = is_key and is_secret(str(problem.path[-1]))
        yield _told(problem, problem.path) if here else problem
        below = () if here or problem.code not in _REFUSED_WHOLE else _below(_at(tree, problem.path), problem.path)
        for path in below:
            if path not in told:
                told.add(path)
                yield _told(problem, path)


def _told(problem: Problem, path: Path) -> Problem:
    what = f"{shown(str(path[-1]))} looks like a secret, and a spec is copied into every run"
    return replace(problem, code="E709", path=path, what=what, got="", fix=f"remove it; {_WHERE}.", at="key")


def _below(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, part in value.items():
            if is_secret(str(key)):
                yield (*path, key)
            else:
                yield from _below(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _below(part, (*path, index))


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return None
    return tree
