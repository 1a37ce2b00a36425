"""printable: strings that others wrote, made safe for a terminal."""

from __future__ import annotations

import re

# CSI, OSC (ended by BEL or ST) and the two-character escapes of ECMA-48: taken out whole, since `[31m` alone is noise.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_a-z])|\x9b[0-?]*[ -/]*[@-~]")


def printable(text: object) -> str:
    """One line: white space becomes blanks, what a terminal would act on is taken out or written as `\\x1b`.

    `str.isprintable` is false for controls, for marks that turn the direction of writing, and for lone surrogates.
    """
    return "".join(map(_shown, " ".join(_ESCAPE.sub("", str(text)).split())))


def printable_block(text: str) -> str:
    """Lines kept as they are, each safe; a carriage return ends a line, as progress bars use it."""
    plain = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").expandtabs()
    return "\n".join("".join(map(_shown, line)) for line in plain.split("\n"))


def clipped(text: str, length: int) -> str:
    """At most `length` characters; what is cut off shows."""
    return text if len(text) <= length else text[: max(length - 3, 0)] + "..."


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
