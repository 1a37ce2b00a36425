"""one_hot: make a column of 0 and 1 for each value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.operations._base import Layer, Note
from seqjobs.operations.arrays import Values, np
from seqjobs.operations.categories import CATEGORY_ARGUMENTS, Categories, no_room_for_others
from seqjobs.operations.column_type import NUMBER, ColumnType
from seqjobs.tables._base import Entry


@final
@dataclass(frozen=True, kw_only=True)
class OneHot(Categories):
    entry = Entry(
        "one_hot",
        "Make a column of 0 and 1 for each value of the training rows, the most frequent first. A column before these "
        "is for all others: values beyond the `max` most frequent, values in fewer than `min_count` rows, and values "
        "that no training row has. With `unseen: error` there are no others. More than 10,000 values need `max`.",
        CATEGORY_ARGUMENTS,
        rules=(no_room_for_others,),
    )

    def makes(self, given: ColumnType) -> ColumnType:  # noqa: ARG002
        return replace(NUMBER, shape=None if self.num_categories is None else (self.num_categories,))

    def apply(self, values: Values, note: Note) -> Values:
        found = self.numbers_of(values, note)
        made = np.zeros((len(found), self.num_categories or 0), np.float32)
        if made.shape[1]:
            made[np.arange(len(found)), found] = 1
        return made

    def layer(self, given: ColumnType, keras: Any) -> Layer:
        look_up = self.lookup_layer(given, keras)
        encode = keras.layers.CategoryEncoding(self.num_categories, output_mode="one_hot")
        return lambda column: encode(look_up(column))
