"""The parts of times: of Arrow's timestamps and dates, of strings in the form of ISO 8601, and of Keras's tensors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.operations._base import Note
from seqjobs.operations.arrays import Array, Values, np, pa, pc
from seqjobs.operations.column_type import ColumnType
from seqjobs.operations.zone_offsets import END, YEARS_400, zone_offsets

SECONDS_OF_DAY = 86_400
NO_TIME = "no times in the form 2024-03-31 or 2024-03-31T23:59:59"

# The name of each part, and Arrow's function for it.
_FUNCTIONS = {
    "year": "year",
    "month": "month",
    "day": "day",
    "weekday": "day_of_week",
    "day_of_year": "day_of_year",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
}
PARTS = (*_FUNCTIONS, "days")
_SECOND = 1_000_000
_DAY = SECONDS_OF_DAY * _SECOND
# The first day of each month from February on, in a year that is no leap year, counted from 0.
_MONTH_BEGINS = (31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAYS_OF_400_YEARS = 146_097


def check_zone(given: ColumnType) -> None:
    """Raises DataError (E403) if a column has times in a zone that this machine does not know."""
    if given.zone is None:
        return
    try:
        pc.local_timestamp(pa.scalar(0, pa.timestamp("s", given.zone)))
    except (pa.ArrowException, OSError) as error:
        what = f"its times are in the zone {shown(given.zone)}, which is not known"
        fix = "write them in UTC or in a zone of the IANA database, such as Europe/Rome or +02:00."
        raise DataError("E403", what, fix=fix) from error


def times_of(values: Values, note: Note) -> pa.Array:
    """Return timestamps by the clock of the place where they were taken; 1970 in rows that are noted."""
    assert isinstance(values, pa.Array)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_dictionary(values.type):
        values = _parsed(values, note)
    note("null", np.asarray(values.is_null()))
    # Arrow knows no hours of dates; they begin at midnight.
    times = values.cast(pa.timestamp("s")) if pa.types.is_date(values.type) else values
    if getattr(times.type, "tz", None):
        times = pc.local_timestamp(times)
    return pc.fill_null(times, pa.scalar(0, pa.int64()).cast(times.type))


def part_of(times: pa.Array, part: str) -> Array:
    """Return one part (rows,) of timestamps as float64."""
    if part == "days":
        since = pc.cast(times, pa.timestamp("us"), safe=False).cast(pa.int64())
        return np.asarray(since, np.float64) / (SECONDS_OF_DAY * 1e6)
    return np.asarray(getattr(pc, _FUNCTIONS[part])(times), np.float64)


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


def times_not_exportable(given: ColumnType) -> str:
    """Return why a model cannot take the times of a column; empty if it can."""
    return "Keras has no layer that reads times in strings; store them as timestamps" if given.kind == "string" else ""


def parts_of_tensor(instants: Any, parts: tuple[str, ...], zone: str | None, ops: Any) -> Any:
    """Return parts (rows, parts) of times (rows, 1) as float64.

    Times are int64 microseconds since 1970: in UTC if they have a zone, else by the clock of their place.
    """
    times = instants if zone is None else _local_times(instants, zone, ops)
    return ops.concatenate([ops.cast(_part_of_tensor(times, part, ops), "float64") for part in parts], axis=-1)


def _local_times(instants: Any, zone: str, ops: Any) -> Any:
    found = zone_offsets(zone)
    changes, offsets = found.changes * _SECOND, found.offsets * _SECOND
    if not len(changes):
        return ops.add(instants, offsets[0])
    period, end = np.int64(YEARS_400 * _SECOND), np.int64(END * _SECOND)
    again = ops.add(ops.mod(ops.subtract(instants, end), period), end - period)
    known = ops.where(ops.less(instants, end), instants, again)
    index = ops.searchsorted(changes, ops.reshape(known, (-1,)), side="right")
    return ops.add(instants, ops.reshape(ops.take(offsets, index), (-1, 1)))


def _part_of_tensor(times: Any, part: str, ops: Any) -> Any:
    if part == "days":
        return ops.divide(ops.cast(times, "float64"), np.float64(_DAY))
    days = ops.floor_divide(times, _DAY)
    if part not in ("hour", "minute", "second"):
        return _part_of_date(days, part, ops)
    seconds = ops.floor_divide(ops.subtract(times, ops.multiply(days, _DAY)), _SECOND)
    if part == "hour":
        return ops.floor_divide(seconds, 3600)
    return ops.mod(ops.floor_divide(seconds, 60) if part == "minute" else seconds, 60)


def _part_of_date(days: Any, part: str, ops: Any) -> Any:
    """Return a part of dates by the Gregorian calendar, of days since 1970."""
    if part == "weekday":
        return ops.mod(ops.add(days, 3), 7)  # 1970 began on a Thursday
    # A mean year is off by less than two days over 400 years, and so by one year at most.
    about = ops.add(ops.floor_divide(ops.multiply(days, 400), _DAYS_OF_400_YEARS), 1970)
    later = ops.cast(ops.greater_equal(days, _year_begins(ops.add(about, 1), ops)), "int64")
    sooner = ops.cast(ops.less(days, _year_begins(about, ops)), "int64")
    year = ops.subtract(ops.add(about, later), sooner)
    if part == "year":
        return year
    begin = _year_begins(year, ops)
    day = ops.subtract(days, begin)
    if part == "day_of_year":
        return ops.add(day, 1)
    is_leap = ops.subtract(ops.subtract(_year_begins(ops.add(year, 1), ops), begin), 365)
    # (rows, 11): all months but January begin later in a leap year, and February does not.
    begins = ops.add(np.array(_MONTH_BEGINS), ops.multiply(is_leap, (np.arange(11) > 0).astype(np.int64)))
    begun = ops.cast(ops.greater_equal(day, begins), "int64")
    if part == "month":
        return ops.add(ops.sum(begun, axis=-1, keepdims=True), 1)
    begin_of_month = ops.max(ops.multiply(begun, begins), axis=-1, keepdims=True)
    return ops.add(ops.subtract(day, begin_of_month), 1)


def _year_begins(year: Any, ops: Any) -> Any:
    """Return the days from 1970 to the first day of a year."""
    before = ops.subtract(year, 1)
    fourth, hundredth, four_hundredth = (ops.floor_divide(before, years) for years in (4, 100, 400))
    leap_days = ops.add(ops.subtract(fourth, hundredth), four_hundredth)
    until_1970 = 1969 // 4 - 1969 // 100 + 1969 // 400
    return ops.add(ops.multiply(ops.subtract(year, 1970), 365), ops.subtract(leap_days, until_1970))
