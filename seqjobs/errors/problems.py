"""Problem, Problems: the mistakes found in a spec, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from seqjobs.errors.message import message
from seqjobs.errors.printable import printable
from seqjobs.errors.redaction import without_secrets

Path = tuple[str | int, ...]

MAX_GOT_LENGTH = 60
MOST_SUGGESTED = 20
"""Of columns, which may be thousands."""


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
    """The known name that `name` was most likely meant to be."""
    by_lower = {known_name.lower(): known_name for known_name in sorted(known)}
    near = get_close_matches(str(name).lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str], most: int | None = None) -> str:
    """The fix for an unknown name: the nearest known one, else a list of them, of `most` at most."""
    names = sorted(set(known))
    near = nearest(name, names)
    if near:
        return f"did you mean '{near}'?"
    more = f" and {len(names) - most:,} more" if most is not None and len(names) > most else ""
    return "use one of " + ", ".join(names[:most]) + more
