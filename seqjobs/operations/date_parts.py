"""date_parts: make numbers of parts of a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.operations._base import Layer, Note, Operation
from seqjobs.operations.arrays import Values, np
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.operations.takes import TIMES
from seqjobs.operations.times import PARTS, check_zone, part_of, parts_of_tensor, times_not_exportable, times_of
from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.arguments import ListOf, OneOf


@final
@dataclass(frozen=True, kw_only=True)
class DateParts(Operation):
    entry = Entry(
        "date_parts",
        f"Convert parts of a time to numbers: {', '.join(PARTS)}. `days` is the time since 1970 in days; Monday is "
        "weekday 0.",
        {"parts": Argument(ListOf(OneOf(PARTS)))},
        alone="parts",
    )
    takes = TIMES

    parts: tuple[str, ...]

    def makes(self, given: ColumnType) -> ColumnType:
        check_zone(given)
        return replace(NUMBER, shape=(len(self.parts),) if len(self.parts) > 1 else ())

    def apply(self, values: Values, note: Note) -> Values:
        times = times_of(values, note)
        return np.stack([part_of(times, part) for part in self.parts], axis=1)

    def not_exportable(self, given: ColumnType) -> str:
        return times_not_exportable(given)

    def layer(self, given: ColumnType, keras: Any) -> Layer:
        return lambda column: parts_of_tensor(column, self.parts, given.zone, keras.ops)
