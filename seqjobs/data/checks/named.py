"""Columns in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from seqjobs.errors.problems import shown

MAX_NAMED = 5


def named(columns: Sequence[str]) -> str:
    """`column 'a' is`, `columns 'a' and 2 others are`."""
    if len(columns) == 1:
        return f"column {shown(columns[0])} is"
    told = ", ".join(map(shown, columns[:MAX_NAMED]))
    others = len(columns) - MAX_NAMED
    return f"columns {told}{f' and {others} more' if others > 0 else ''} are"
