"""printable: text from files and addresses, made safe to show."""

from __future__ import annotations

from seqjobs.errors.redaction import redacted


def printable(text: str) -> str:
    """Return `text` without characters that a terminal acts on and without logins.

    Every string that comes from a file or an address is passed through this function before it is shown.
    """
    return redacted("".join(character if character.isprintable() else "?" for character in text))
