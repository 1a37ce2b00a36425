"""What a file of the corpus must give, and what it gives: each mistake with its code, place and words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SPECS = Path(__file__).parent / "specs"
ACCEPTED = "# accepted"

_HEADER = re.compile(r"# (?:(E\d{3}) (\d+:\d+) (.+)|(\.\.\. and \d+ more))")
_LINE = re.compile(r"(.+?):(\d+:\d+) (.+[.?]) (?:Fix: .+\.|[A-Z].*\?) \[(E\d{3})\]")


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One mistake; of an expected one, `words` is a part of the message."""

    code: str
    place: str
    """Line and column, `3:7`."""
    words: str


def expected_of(path: Path) -> list[Mistake]:
    """What the comments say with which a spec begins: `# CODE line:column words of the message`.

    A spec that begins with `# accepted` has no mistakes. Raises ValueError for one that does not say what it gives.
    """
    found: list[Mistake] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line == ACCEPTED:
            return []
        header = _HEADER.fullmatch(line)
        if header is None:
            break
        code, place, words, more = header.groups(default="")
        found.append(Mistake(code=code, place=place, words=words or more))
    if not found:
        raise ValueError(f"{path.name} begins neither with `# CODE line:column words` nor with `{ACCEPTED}`")
    return found


def check(lines: Sequence[str], expected: Sequence[Mistake], source: Path) -> None:
    """Asserts that these are the lines of the expected mistakes, in their order, each with a fix and its place."""
    for line, mistake in zip(lines, expected, strict=False):
        assert line.isprintable()
        if not mistake.code:
            assert line == mistake.words
            continue
        told = _LINE.fullmatch(line)
        assert told, f"this line does not say what, where and how to fix it: {line}"
        file, place, what, code = told.groups()
        assert (code, file, place) == (mistake.code, str(source), mistake.place), line
        assert mistake.words in what
    assert len(lines) == len(expected), lines
