"""clip: values beyond a bound become the bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import NUMBER, Note, Operation, Values, check_numbers, numbers


@final
@dataclass(frozen=True, kw_only=True)
class Clip(Operation):
    low: float | None = None
    high: float | None = None

    def output(self, given: ColumnType) -> ColumnType:
        check_numbers(given)
        return replace(NUMBER, shape=given.shape)

    def apply(self, values: Values, _note: Note) -> Values:
        return np.clip(numbers(values), self.low, self.high)
