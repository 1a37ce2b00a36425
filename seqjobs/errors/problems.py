"""Problem, Problems: the mistakes found in a spec, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from seqjobs.errors.everyday_names import COMMON_NAMES, EVERYDAY_NAMES
from seqjobs.errors.message import message
from seqjobs.errors.printable import printable
from seqjobs.errors.redaction import without_secrets

Path = tuple[str | int, ...]

MAX_GOT_LENGTH = 60
MOST_SUGGESTED = 20
"""The most names that a fix lists, where there may be thousands."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake. `path` is where in the spec; `at` is whether the key or the value there is wrong.

    `place` is `file:line:column`. Whoever finds the problem gives it only if the document cannot derive it from the
    path, as for a byte that is not text or an override; `located` adds it to the others.
    """

    code: str
    path: Path
    what: str
    got: str = ""
    fix: str = ""
    at: Literal["key", "value"] = "value"
    place: str = ""

    @property
    def file(self) -> str:
        """The file or the override of `place`, without line and column."""
        return self.place.rsplit(":", 2)[0]

    def line(self) -> str:
        """Return `file:line:column path: what (got ...). Fix: ... [CODE]` in printable characters."""
        path = f"{dotted([_shortened(str(part)) for part in self.path])}: " if self.path else ""
        got = f" (got {self.got})" if self.got else ""
        return printable(f"{self.place} {path}{message(self.what + got, fix=self.fix, code=self.code)}")


class Problems:
    """Collects mistakes, so that a reader can continue after the first one."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(
        self,
        code: str,
        path: Path,
        what: str,
        *,
        got: object = None,
        fix: str = "",
        at: Literal["key", "value"] = "value",
        place: str = "",
    ) -> None:
        """Add one mistake; `got`, the value received, is shown shortened and without control characters."""
        text = "" if got is None else shown(got)
        self._found.append(Problem(code=code, path=path, what=what, got=text, fix=fix, at=at, place=place))

    def extend(self, problems: Iterable[Problem]) -> None:
        self._found.extend(problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def dotted(path: Sequence[str | int]) -> str:
    """Return `("model", 2, "Dense", "units")` as `model.2.Dense.units`."""
    return ".".join(str(part) for part in path)


def shown(value: object) -> str:
    """Return a value as an error may print it: one short line without secrets and control characters."""
    text = repr(without_secrets(value)) if not isinstance(value, bool | type(None)) else str(value).lower()
    return _shortened(printable(text))


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_GOT_LENGTH else text[: MAX_GOT_LENGTH - 3] + "..."


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that `name` was most likely meant to be; of two equally near ones the more common."""
    by_lower = {known_name.lower(): known_name for known_name in sorted(known)}
    written = str(name).lower()
    if written in by_lower:
        return by_lower[written]
    for meant in EVERYDAY_NAMES.get(written.replace("_", ""), ()):
        if meant.lower() in by_lower:
            return by_lower[meant.lower()]
    near = get_close_matches(written, by_lower, n=5, cutoff=cutoff)
    if not near:
        return None
    # `get_close_matches` has the likest first; `min` keeps the first of equals.
    found = min(near, key=lambda known_name: (_edits(written, known_name), by_lower[known_name] not in COMMON_NAMES))
    return by_lower[found]


def _edits(written: str, meant: str) -> int:
    """Return how many letters were left out, added, changed, or swapped with their neighbour.

    The optimal string alignment distance: https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance
    """
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for index, letter in enumerate(written, 1):
        last, row, earlier = row, [index], before
        for place, other in enumerate(meant, 1):
            edits = min(last[place] + 1, row[-1] + 1, last[place - 1] + (letter != other))
            if index > 1 and place > 1 and letter == meant[place - 2] and written[index - 2] == other:
                edits = min(edits, earlier[place - 2] + 1)
            row.append(edits)
        before = last
    return row[-1]


def did_you_mean(name: str, known: Iterable[str], most: int | None = None) -> str:
    """Return the fix for an unknown name: the nearest known one, else a list of them.

    A list of more than `most` names is cut, and begins with the common ones.
    """
    names = sorted(set(known))
    near = nearest(name, names)
    if near:
        return f"did you mean '{near}'?"
    if not names:
        return "remove it"
    if most is None or len(names) <= most:
        return "use one of " + ", ".join(names)
    names.sort(key=lambda known_name: known_name not in COMMON_NAMES)
    return "use one of " + ", ".join(names[:most]) + f" and {len(names) - most:,} more"
