"""log1p: the natural logarithm of 1 + x."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType, rows_with
from seqjobs.data.preprocess._base import NUMBER, Note, Operation, Values, check_numbers, numbers


@final
@dataclass(frozen=True, kw_only=True)
class Log1p(Operation):
    def output(self, given: ColumnType) -> ColumnType:
        check_numbers(given)
        return replace(NUMBER, shape=given.shape)

    def apply(self, values: Values, note: Note) -> Values:
        found = numbers(values)
        beyond = found <= -1
        if not beyond.any():
            return np.log1p(found)
        note("-1 or less, which has no logarithm of 1 + x,", rows_with(beyond))
        return np.log1p(np.where(beyond, 0.0, found))
