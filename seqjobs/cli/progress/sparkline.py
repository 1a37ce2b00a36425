"""sparkline: a series of numbers as one line of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS = "_.-:=+*#"


def sparkline(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """Return at most `width` characters, the lowest value as the lowest block; NaN and infinities are blanks.

    A longer series is thinned to the last value of each of `width` equal parts, so that its end is the present.
    """
    if width <= 0 or not values:
        return ""
    if len(values) > width:
        values = [values[(part + 1) * len(values) // width - 1] for part in range(width)]
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    return "".join(_block(value, low, high, blocks) for value in values)


def _block(value: float, low: float, high: float, blocks: str) -> str:
    if not math.isfinite(value):
        return " "
    if high <= low:
        return blocks[len(blocks) // 2 - 1]
    return blocks[round((value - low) / (high - low) * (len(blocks) - 1))]
