"""index: a whole number for each value, for an Embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from seqjobs.data.columns import ColumnType
from seqjobs.data.preprocess._base import Note, Values
from seqjobs.data.preprocess.categories import Categories, check_categories


@final
@dataclass(frozen=True, kw_only=True)
class Index(Categories):
    def output(self, given: ColumnType) -> ColumnType:
        check_categories(given)
        return ColumnType(kind="integer", dtype="int32", shape=())

    def apply(self, values: Values, note: Note) -> Values:
        return self.numbers_of(values, note).reshape(-1, 1)
