"""index: look up a whole number for each value, for an Embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from seqjobs.operations._base import Layer, Note
from seqjobs.operations.arrays import Values
from seqjobs.operations.categories import CATEGORY_ARGUMENTS, Categories, no_room_for_others
from seqjobs.operations.column_type import INDEX, ColumnType
from seqjobs.tables._base import Entry


@final
@dataclass(frozen=True, kw_only=True)
class Index(Categories):
    entry = Entry(
        "index",
        "Number the values of the training rows, for an Embedding: 1 for the most frequent, and 0 for all others, as "
        "in `one_hot`. With `unseen: error` there are no others, and the most frequent is 0. More than 10,000 values "
        "need `max`.",
        CATEGORY_ARGUMENTS,
        rules=(no_room_for_others,),
    )

    def makes(self, given: ColumnType) -> ColumnType:  # noqa: ARG002
        return INDEX

    def apply(self, values: Values, note: Note) -> Values:
        return self.numbers_of(values, note).reshape(-1, 1)

    def layer(self, given: ColumnType, keras: Any) -> Layer:
        return self.lookup_layer(given, keras)
