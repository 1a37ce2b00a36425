"""cyclic: make sine and cosine of what repeats, so that 23 o'clock is next to midnight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.operations._base import Layer, Note, Operation, numbers
from seqjobs.operations.arrays import Values, np
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.takes import NUMBERS, TIMES, Takes
from seqjobs.operations.times import check_zone, part_of, parts_of_tensor, times_not_exportable, times_of
from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry
from seqjobs.tables.arguments import Number, OneOf, Optional

# Months and days count from 1, which turns the circle and changes nothing else.
PERIODS = {"month": 12, "day": 31, "weekday": 7, "day_of_year": 366, "hour": 24, "minute": 60, "second": 60}


def _one_period(given: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if (given["part"] is None) == (given["period"] is None):
        what = "cyclic takes a part of a time or the period of a number, one of the two"
        yield Conflict("part", what, "write {cyclic: hour}, or {cyclic: {period: 24}}")


@final
@dataclass(frozen=True, kw_only=True)
class Cyclic(Operation):
    entry = Entry(
        "cyclic",
        "Compute sine and cosine of a part of a time, or of a number that repeats with a `period`.",
        {
            "part": Argument(Optional(OneOf(tuple(PERIODS))), None),
            "period": Argument(Optional(Number(above=0)), None),
        },
        rules=(_one_period,),
        number="period",
        alone="part",
    )
    takes = replace(TIMES, words="times, numbers", kinds=TIMES.kinds | NUMBERS.kinds)

    part: str | None = None
    period: float | None = None

    @property
    def accepted(self) -> Takes:
        if self.part is not None:
            return TIMES
        fix = "name a part of the time, for example {cyclic: hour}."
        return replace(NUMBERS, wanted="numbers if it has a period", fix=fix)

    def makes(self, given: ColumnType) -> ColumnType:
        if self.part is not None:
            check_zone(given)
            return replace(NUMBER, shape=(2,))
        return replace(NUMBER, shape=(given.width * 2,))

    def apply(self, values: Values, note: Note) -> Values:
        found = numbers(values) if self.part is None else part_of(times_of(values, note), self.part).reshape(-1, 1)
        angle = found * self._angle_of_1
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)

    def not_exportable(self, given: ColumnType) -> str:
        return "" if self.part is None else times_not_exportable(given)

    def layer(self, given: ColumnType, keras: Any) -> Layer:
        ops = keras.ops

        def layer(column: Any) -> Any:
            found = column if self.part is None else parts_of_tensor(column, (self.part,), given.zone, ops)
            angle = ops.multiply(found, np.float64(self._angle_of_1))
            return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)

        return layer

    @property
    def _angle_of_1(self) -> float:
        return float(2 * np.pi / (self.period or 1.0 if self.part is None else PERIODS[self.part]))
