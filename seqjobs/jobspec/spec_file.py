"""read_text: a spec's file, or standard input, as text."""

from __future__ import annotations

import sys
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from seqjobs.errors.printable import printable
from seqjobs.errors.problems import Problems
from seqjobs.jobspec.data_files import describe_missing, is_data
from seqjobs.jobspec.document import decode

MAX_BYTES = 1_000_000
STDIN = Path("-")
"""Names standard input; relative paths in a spec that comes from there start from the current folder."""


def read_text(path: Path, problems: Problems) -> str | None:
    """Return the text of a spec file, or None with a problem noted (E104, E110, E113)."""
    try:
        raw = _standard_input() if path == STDIN else _content(path, problems)
    except FileNotFoundError:
        what, fix = describe_missing(path, str(path), _is_yaml)
        problems.add("E113", (), what, fix=fix)
        return None
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
    """Return at most one byte more than is allowed, because a pipe may have no end."""
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _content(path: Path, problems: Problems) -> bytes | None:
    mode = path.stat().st_mode
    if not S_ISREG(mode):
        what = "this is a folder, not a file" if S_ISDIR(mode) else "this is not a regular file"
        problems.add("E113", (), what, fix="name the spec's YAML file, or `-` for standard input.")
        return None
    if is_data(path.name):
        fix = f"write a spec for it with `seqjobs init {printable(path)} --target COLUMN`."
        problems.add("E113", (), "this is a data file, not a spec", fix=fix)
        return None
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _is_yaml(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))
