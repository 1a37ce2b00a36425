"""raw_times: parts of times in Keras's own ops, as `data/preprocess/times.py` has them of Arrow.

A time is int64 (rows, 1): microseconds since 1970 by the clock of its place; or a string.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from seqjobs.data.preprocess.cyclic import PERIODS
from seqjobs.data.zone_offsets import END, YEARS_400, zone_offsets
from seqjobs.training.raw_time_texts import fields_of

_SECOND = 1_000_000
_A_TIME = "2024-03-31T23:59:59"
_DAY = 86_400 * _SECOND
# Of the first day of each month from February on, in a year that is no leap year, from 0.
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_MONTH_BEGINS = np.cumsum(_MONTH_DAYS)[:-1]
_DAYS_OF_400_YEARS = 146_097


def date_parts(operation: Any, column: Any) -> Any:
    times = _times(column)
    return ops.concatenate([part_of(times, part) for part in operation.parts], axis=-1)


def cyclic_part(operation: Any, column: Any) -> Any:
    angle = ops.multiply(part_of(_times(column), operation.part), np.float64(2 * np.pi / PERIODS[operation.part]))
    return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)


def local_times(instants: Any, zone: str) -> Any:
    """The times by the clocks of a zone, of microseconds since 1970 by UTC."""
    found = zone_offsets(zone)
    changes, offsets = found.changes * _SECOND, found.offsets * _SECOND
    if not len(changes):
        return ops.add(instants, offsets[0])
    period, end = np.int64(YEARS_400 * _SECOND), np.int64(END * _SECOND)
    again = ops.add(ops.mod(ops.subtract(instants, end), period), end - period)
    known = ops.where(ops.less(instants, end), instants, again)
    index = ops.searchsorted(changes, ops.reshape(known, (-1,)), side="right")
    return ops.add(instants, ops.reshape(ops.take(offsets, index), (-1, 1)))


def _times(column: Any) -> Any:
    if column.dtype != "string":
        return column
    year, month, day, seconds, microseconds, is_time = fields_of(column)
    begin = _year_begins(year)
    is_leap = ops.subtract(ops.subtract(_year_begins(ops.add(year, 1)), begin), 365)
    is_leap_month = ops.equal(month, 2)
    month = ops.clip(month, 1, 12)
    last = ops.add(ops.take(_MONTH_DAYS, ops.subtract(month, 1)), ops.where(is_leap_month, is_leap, 0))
    is_time = ops.logical_and(is_time, ops.logical_and(ops.greater_equal(day, 1), ops.less_equal(day, last)))
    leap_day = ops.where(ops.greater(month, 2), is_leap, 0)
    before = ops.add(ops.take(np.array([0, *_MONTH_BEGINS], np.int64), ops.subtract(month, 1)), leap_day)
    days = ops.add(ops.add(begin, before), ops.subtract(day, 1))
    seconds = ops.add(ops.multiply(days, np.int64(86_400)), seconds)
    times = ops.add(ops.multiply(seconds, np.int64(_SECOND)), microseconds)
    # Without room for others it raises and shows a string that is no time, and gives 0 for all that are.
    check = keras.layers.StringLookup(vocabulary=[_A_TIME], num_oov_indices=0)
    return ops.add(times, check(ops.where(is_time, _A_TIME, column)))


def part_of(times: Any, part: str) -> Any:
    """One part (rows, 1) as float64."""
    if part == "days":
        return ops.divide(ops.cast(times, "float64"), np.float64(_DAY))
    days = _whole(times, _DAY)
    found = _of_clock(times, days, part) if part in ("hour", "minute", "second") else _of_calendar(days, part)
    return ops.cast(found, "float64")


def _of_clock(times: Any, days: Any, part: str) -> Any:
    seconds = _whole(ops.subtract(times, ops.multiply(days, _DAY)), _SECOND)
    if part == "hour":
        return _whole(seconds, 3600)
    return ops.mod(_whole(seconds, 60) if part == "minute" else seconds, 60)


def _of_calendar(days: Any, part: str) -> Any:
    if part == "weekday":
        return ops.mod(ops.add(days, 3), 7)  # 1970 began on a Thursday
    # A mean year is off by less than two days over 400 years, and so by one year at most.
    about = ops.add(_whole(ops.multiply(days, 400), _DAYS_OF_400_YEARS), 1970)
    later = ops.cast(ops.greater_equal(days, _year_begins(ops.add(about, 1))), "int64")
    sooner = ops.cast(ops.less(days, _year_begins(about)), "int64")
    year = ops.subtract(ops.add(about, later), sooner)
    if part == "year":
        return year
    begin = _year_begins(year)
    day = ops.subtract(days, begin)
    if part == "day_of_year":
        return ops.add(day, 1)
    is_leap = ops.subtract(ops.subtract(_year_begins(ops.add(year, 1)), begin), 365)
    # (rows, 11): all months but January begin later in a leap year, and February does not.
    begins = ops.add(_MONTH_BEGINS, ops.multiply(is_leap, (np.arange(11) > 0).astype(np.int64)))
    begun = ops.cast(ops.greater_equal(day, begins), "int64")
    if part == "month":
        return ops.add(ops.sum(begun, axis=-1, keepdims=True), 1)
    begin_of_month = ops.max(ops.multiply(begun, begins), axis=-1, keepdims=True)
    return ops.add(ops.subtract(day, begin_of_month), 1)


def _year_begins(year: Any) -> Any:
    """The days from 1970 to the first day of a year of the Gregorian calendar."""
    before = ops.subtract(year, 1)
    leap_days = ops.add(ops.subtract(_whole(before, 4), _whole(before, 100)), _whole(before, 400))
    until_1970 = 1969 // 4 - 1969 // 100 + 1969 // 400
    return ops.add(ops.multiply(ops.subtract(year, 1970), 365), ops.subtract(leap_days, until_1970))


def _whole(value: Any, by: int) -> Any:
    """Divided, towards the past where something is left."""
    return ops.floor_divide(value, by)
