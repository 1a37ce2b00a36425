"""date_parts: parts of a time as numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import NUMBER, Note, Operation, Values
from seqjobs.data.preprocess.times import check_times, part_of, times_of


@final
@dataclass(frozen=True, kw_only=True)
class DateParts(Operation):
    parts: tuple[str, ...]

    def output(self, given: ColumnType) -> ColumnType:
        check_times(given)
        return replace(NUMBER, shape=(len(self.parts),) if len(self.parts) > 1 else ())

    def apply(self, values: Values, note: Note) -> Values:
        times = times_of(values, note)
        return np.stack([part_of(times, part) for part in self.parts], axis=1)
