"""one_hot: a column of 0 and 1 for each value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import NUMBER, Note, Values
from seqjobs.data.preprocess.categories import Categories, check_categories


@final
@dataclass(frozen=True, kw_only=True)
class OneHot(Categories):
    def output(self, given: ColumnType) -> ColumnType:
        check_categories(given)
        return replace(NUMBER, shape=None if self.num_categories is None else (self.num_categories,))

    def apply(self, values: Values, note: Note) -> Values:
        found = self.numbers_of(values, note)
        made = np.zeros((len(found), self.num_categories or 0), np.float32)
        if made.shape[1]:
            made[np.arange(len(found)), found] = 1
        return made
