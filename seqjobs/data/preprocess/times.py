"""The parts of times: of Arrow's timestamps and dates, and of strings in the form of ISO 8601."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import ColumnType
from seqjobs.data.dataset import Array
from seqjobs.data.preprocess._base import Note, Values, unlike

SECONDS_OF_DAY = 86_400
NO_TIME = "no times in the form 2024-03-31 or 2024-03-31T23:59:59"

_PARTS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "year": pc.year,
    "month": pc.month,
    "day": pc.day,
    "weekday": pc.day_of_week,
    "day_of_year": pc.day_of_year,
    "hour": pc.hour,
    "minute": pc.minute,
    "second": pc.second,
}


def check_times(given: ColumnType) -> None:
    """Raises DataError where a column holds no times."""
    if given.kind not in ("time", "string") or given.shape != ():
        raise unlike(given, "times", "give it a column of timestamps, dates, or strings such as 2024-03-31T23:59:59.")


def times_of(values: Values, note: Note) -> pa.Array:
    """Timestamps by the clock of the place where they were taken; 1970 in rows that are noted."""
    assert isinstance(values, pa.Array)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_dictionary(values.type):
        values = _parsed(values, note)
    note("null", np.asarray(values.is_null()))
    # Dates have no hours to Arrow, and midnight is theirs.
    times = values.cast(pa.timestamp("s")) if pa.types.is_date(values.type) else values
    if getattr(times.type, "tz", None):
        times = pc.local_timestamp(times)
    return pc.fill_null(times, pa.scalar(0, pa.int64()).cast(times.type))


def part_of(times: pa.Array, part: str) -> Array:
    """One part (rows,) as float64."""
    if part == "days":
        since = pc.cast(times, pa.timestamp("us"), safe=False).cast(pa.int64())
        return np.asarray(since, np.float64) / (SECONDS_OF_DAY * 1e6)
    return np.asarray(_PARTS[part](times), np.float64)


def _parsed(values: pa.Array, note: Note) -> pa.Array:
    encoded = values if pa.types.is_dictionary(values.type) else pc.dictionary_encode(values)
    texts = encoded.dictionary.to_pylist()
    found = [_local(text) for text in texts]
    wrong = np.array([time is None for time in found] or [False])
    indices = pc.fill_null(encoded.indices, 0).to_numpy()
    missing = np.asarray(encoded.is_null())
    note(NO_TIME, wrong[indices] & ~missing)
    known = pa.array([time or datetime(1970, 1, 1) for time in found], pa.timestamp("us"))
    return known.take(encoded.indices)


def _local(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None
