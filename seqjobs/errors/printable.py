"""printable: text from files, addresses and libraries, made safe to show on a terminal."""

from __future__ import annotations

import re

from seqjobs.errors.redaction import redacted

# CSI, OSC (ended by BEL or ST) and the two-character escapes of ECMA-48. They are removed whole: `[31m` alone is noise.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_a-z])|\x9b[0-?]*[ -/]*[@-~]")
_LINE_BREAK = re.compile(r" *[\t\n\v\f\r]\s*")


def printable(text: object) -> str:
    """Return `text` on one line, without logins and without anything that a terminal acts on.

    Escape sequences are removed and line breaks become blanks. Other controls, marks that change the direction of
    writing, and lone surrogates are shown as escapes, for example `\\x1b`.
    """
    line = _LINE_BREAK.sub(" ", _ESCAPE.sub("", str(text)).strip("\t\n\v\f\r"))
    return redacted("".join(map(_shown, line)))


def printable_block(text: str) -> str:
    """Return `text` with its lines, each safe to show; a carriage return ends a line, as in progress bars."""
    plain = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").expandtabs()
    return "\n".join(redacted("".join(map(_shown, line))) for line in plain.split("\n"))


def clipped(text: str, length: int) -> str:
    """Return at most `length` characters; three dots stand for what is cut off."""
    return text if len(text) <= length else text[: max(length - 3, 0)] + "..."


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
