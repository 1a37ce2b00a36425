"""shown_percent: a share as people read it."""

from __future__ import annotations

MAX_DIGITS = 3


def shown_percent(share: float) -> str:
    """Format a share of 1: `24%`. A share that would read 0% or 100% without being so gets more digits: `99.6%`."""
    for digits in range(MAX_DIGITS + 1):
        text = f"{share:.{digits}%}"
        if share in (0.0, 1.0) or float(text.removesuffix("%")) not in (0.0, 100.0):
            return text
    return f"<{0.1**MAX_DIGITS:g}%" if share < 0.5 else f">{100 - 0.1**MAX_DIGITS:g}%"
