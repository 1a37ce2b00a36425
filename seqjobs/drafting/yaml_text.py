"""Values as YAML on one line, and text for comments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from seqjobs.errors.printable import printable

# What begins with a dot may be a number.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+-]*|\.+/[A-Za-z0-9_./+-]*")
MAX_COMMENT = 240
# What YAML 1.1 and 1.2 read as something else than a string.
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".inf", ".nan", "nan", "inf"})


def flow(value: object) -> str:
    """A value as YAML reads it back: numbers, strings, and lists and mappings of these."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(flow, value)) + "]"
    return repr(value)


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else _escaped(character) for character in quoted)


def _escaped(character: str) -> str:
    return f"\\U{ord(character):08x}"


def comment(text: str) -> str:
    """On one line, without what a terminal would act on, and cut where it is long."""
    plain = printable(text)
    return plain if len(plain) <= MAX_COMMENT else plain[: MAX_COMMENT - 3] + "..."
