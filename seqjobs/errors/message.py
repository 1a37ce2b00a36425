"""message: the form of every error message."""

from __future__ import annotations


def message(what: str, *, fix: str = "", code: str) -> str:
    """Return `What is wrong. Fix: how to fix it. [CODE]`.

    A fix that is a question has no `Fix:`. What is wrong may have several lines, such as a difference of two texts;
    then the fix is a line of its own.
    """
    parts = [_sentence(what)]
    if fix:
        parts.append(f"{fix[:1].upper()}{fix[1:]}" if fix.endswith("?") else f"Fix: {_sentence(fix)}")
    return f"{what}\n{' '.join(parts[1:])} [{code}]" if "\n" in what else f"{' '.join(parts)} [{code}]"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."
