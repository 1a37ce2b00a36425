"""zone_offsets: how far the clocks of a time zone are from UTC, as Arrow has it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.dataset import Array

YEARS_400 = 146_097 * 86_400
"""Seconds after which the Gregorian calendar and its weekdays come again, and with them every rule of a zone."""
_BEGIN, END = (int(np.datetime64(year, "s").astype(np.int64)) for year in ("1800", "2500"))
# No zone has changed its clocks twice within so long.
_STEP = 3 * 3600


@dataclass(frozen=True, kw_only=True)
class ZoneOffsets:
    """Seconds to add to UTC; from `END` on, those of 400 years before."""

    changes: Array
    """(changes,) int64 seconds since 1970 by UTC, rising: where another offset begins."""
    offsets: Array
    """(changes + 1,) int64 seconds; the first is that of before all changes."""


def zone_offsets(zone: str) -> ZoneOffsets:
    """Of a name such as Europe/Rome or +02:00. Raises ArrowInvalid for one that Arrow does not know."""
    probes = np.arange(_BEGIN, END + _STEP, _STEP, dtype=np.int64)
    found = _offsets_at(probes, zone)
    before = np.flatnonzero(np.diff(found))
    low, high = probes[before], probes[before + 1]
    while np.any(high - low > 1):
        middle = (low + high) // 2
        is_old = _offsets_at(middle, zone) == found[before]
        low, high = np.where(is_old, middle, low), np.where(is_old, high, middle)
    return ZoneOffsets(changes=high, offsets=np.concatenate([found[:1], found[before + 1]]))


def _offsets_at(seconds: Array, zone: str) -> Array:
    times = pa.array(seconds).cast(pa.timestamp("s", zone))
    return np.asarray(pc.local_timestamp(times).cast(pa.int64())) - seconds
