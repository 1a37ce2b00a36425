"""zone_offsets: how far the clocks of a time zone are from UTC, according to Arrow."""

from __future__ import annotations

from dataclasses import dataclass

from seqjobs.operations.arrays import Array, np, pa, pc

YEARS_400 = 146_097 * 86_400
"""Seconds after which the Gregorian calendar and its weekdays repeat, and with them every rule of a zone."""
_BEGIN, END = -5_364_662_400, 16_725_225_600
"""1800 and 2500, in seconds since 1970."""
# No zone has changed its clocks twice within this time.
_STEP = 3 * 3600


@dataclass(frozen=True, kw_only=True)
class ZoneOffsets:
    """Seconds to add to UTC; after `END`, those of 400 years before."""

    changes: Array
    """(changes,) int64 seconds since 1970 in UTC, rising: where another offset begins."""
    offsets: Array
    """(changes + 1,) int64 seconds; the first holds before all changes."""


def zone_offsets(zone: str) -> ZoneOffsets:
    """Return the offsets of a zone such as Europe/Rome or +02:00. Raises ArrowInvalid for an unknown zone."""
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
