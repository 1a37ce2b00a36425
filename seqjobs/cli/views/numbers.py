"""Numbers as people read them."""

from __future__ import annotations

import json
import math

from seqjobs.cli.views.printable import clipped, printable

MAX_VALUE_LENGTH = 24


def shown_metric(value: float | None) -> str:
    """A metric with five digits, those of a column below each other: 0.98210; `-` where there is none."""
    if value is None or math.isnan(value):
        return "-" if value is None else "nan"
    return f"{value:#.5g}" if math.isfinite(value) else f"{value:g}"


def shown_value(value: object) -> str:
    """A hyperparameter's value: at most five digits, no trailing zeros, one short line."""
    if isinstance(value, float):
        return f"{value:.5g}"
    if value is None or isinstance(value, bool | list | tuple | dict):
        return clipped(printable(json.dumps(value, default=str)), MAX_VALUE_LENGTH)
    return clipped(printable(value), MAX_VALUE_LENGTH)


def shown_duration(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 10 min`."""
    if seconds < 59.95:
        return f"{seconds:.2g} s" if seconds < 0.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def shown_estimate(seconds: float) -> str:
    """A time that is only guessed: `20 s`, `4 min`, `2 h 10 min`."""
    if seconds < 55:
        return f"{max(math.ceil(seconds / 5) * 5, 5)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def shown_bytes(count: int) -> str:
    """`1.5 GiB`; three digits are enough to decide by."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"


def counted(count: int, noun: str) -> str:
    """`1 trial`, `1,200 trials`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
