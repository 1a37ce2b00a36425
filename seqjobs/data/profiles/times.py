"""TimeProfile: which parts of a column's times differ from row to row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from seqjobs.data.dataset import Array
from seqjobs.operations.times import part_of, times_of

# `20240331` is a number and `2024` a year to most who write them: a date has its dashes.
_SHORTEST_DATE = len("2024-03-31")


@dataclass(frozen=True, kw_only=True)
class TimeProfile:
    days: float
    """From the first to the last."""
    varying: tuple[str, ...]
    """Of weekday, hour and minute, those that differ."""
    first: str
    last: str
    """Their days, as 2024-03-31."""


def profile_times(column: pa.Array) -> TimeProfile | None:
    """Of timestamps, dates and strings that are all dates; None of others."""
    there = column.drop_null()
    if not len(there) or (pa.types.is_string(there.type) and not _are_dates(there)):
        return None
    if not (pa.types.is_string(there.type) or pa.types.is_timestamp(there.type) or pa.types.is_date(there.type)):
        return None
    times = times_of(there, _unheard)
    days = part_of(times, "days")
    parts = [part for part in ("weekday", "hour", "minute") if np.ptp(part_of(times, part)) > 0]
    first, last = (str(np.datetime64(int(np.floor(day)), "D")) for day in (days.min(), days.max()))
    return TimeProfile(days=float(np.ptp(days)), varying=tuple(parts), first=first, last=last)


def _are_dates(column: pa.Array) -> bool:
    return all(_is_date(text) for text in column.unique().to_pylist())


def _is_date(text: str) -> bool:
    stripped = text.strip()
    if len(stripped) < _SHORTEST_DATE or stripped[4] != "-":
        return False
    try:
        datetime.fromisoformat(stripped)
    except ValueError:
        return False
    return True


def _unheard(_wrong: str, _rows: Array) -> None:
    """Rows without a time were left out before."""
