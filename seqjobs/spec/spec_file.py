"""read_text: a spec's file, or standard input, as text."""

from __future__ import annotations

import sys
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from seqjobs.errors.problems import Problems
from seqjobs.spec.document import decode

MAX_BYTES = 1_000_000
STDIN = Path("-")
"""Names standard input; relative paths in a spec that comes from there start from the current folder."""


def read_text(path: Path, problems: Problems) -> str | None:
    """The text of a spec file, or None with a problem noted (E104, E110, E113)."""
    try:
        raw = _standard_input() if path == STDIN else _content(path, problems)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        problems.add("E113", (), f"the spec cannot be read: {reason}", fix="check the path and its permissions.")
        return None
    if raw is None:
        return None
    if len(raw) > MAX_BYTES:
        problems.add("E110", (), f"the spec is larger than {MAX_BYTES:,} bytes", fix="split it into several jobs.")
        return None
    return decode(raw, str(path), problems)


def _standard_input() -> bytes:
    """No more than tells that it is too much, for what is piped may have no end."""
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _content(path: Path, problems: Problems) -> bytes | None:
    mode = path.stat().st_mode
    if not S_ISREG(mode):
        what = "this is a folder, not a file" if S_ISDIR(mode) else "this is not a regular file"
        problems.add("E113", (), what, fix="name the spec's YAML file, or `-` for standard input.")
        return None
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
