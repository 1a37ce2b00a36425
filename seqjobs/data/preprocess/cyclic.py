"""cyclic: sine and cosine of what comes again, so that 23 o'clock is next to midnight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import NUMBER, Note, Operation, Values, check_numbers, numbers, unlike
from seqjobs.data.preprocess.times import check_times, part_of, times_of

# Months and days count from 1, which turns the circle and changes nothing else.
PERIODS = {"month": 12, "day": 31, "weekday": 7, "day_of_year": 366, "hour": 24, "minute": 60, "second": 60}


@final
@dataclass(frozen=True, kw_only=True)
class Cyclic(Operation):
    part: str | None = None
    period: float | None = None

    def output(self, given: ColumnType) -> ColumnType:
        if self.part is not None:
            check_times(given)
            return replace(NUMBER, shape=(2,))
        if given.kind == "time":
            raise unlike(given, "numbers where it has a period", "name a part of the time, as {cyclic: hour}.")
        check_numbers(given)
        return replace(NUMBER, shape=(given.width * 2,))

    def apply(self, values: Values, note: Note) -> Values:
        if self.part is None:
            found, period = numbers(values), self.period or 1.0
        else:
            found, period = part_of(times_of(values, note), self.part).reshape(-1, 1), float(PERIODS[self.part])
        angle = found * (2 * np.pi / period)
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
