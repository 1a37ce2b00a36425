"""UnseenValues: values of new rows that the training rows did not have, and that count as `other`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from seqjobs.data.chain import Chain
from seqjobs.data.dataset import Array
from seqjobs.data.layout import Layout
from seqjobs.data.new_features import as_trained
from seqjobs.data.place import Place
from seqjobs.errors.problems import shown
from seqjobs.errors.unforeseen import unforeseen
from seqjobs.operations.categories import Categories, distinct

MOST_VALUES = 10_000
"""So many distinct values of a column are told apart; a column of more is no category."""


@dataclass(frozen=True, kw_only=True)
class UnseenValues:
    """Of one column: the distinct values, at most `MOST_VALUES` of them, and the number of rows that have one."""

    values: frozenset[str]
    rows: int

    def merge(self, later: UnseenValues) -> UnseenValues:
        values = self.values if len(self.values) >= MOST_VALUES else self.values | later.values
        return UnseenValues(values=values, rows=self.rows + later.rows)


def unseen_values(layout: Layout, batch: pa.RecordBatch, place: Place) -> Mapping[str, UnseenValues]:
    """Return the unseen values of some rows by column; columns without any are left out.

    A column counts if a vocabulary that was learned from the training rows looks its values up and takes others for
    one. Values that training had and left out, as `max` and `min_count` say, are not in the vocabulary either.
    """
    rows = as_trained(layout, batch, place)
    found: dict[str, UnseenValues] = {}
    for column in layout.columns:
        for index, operation in enumerate(column.chain.operations):
            if isinstance(operation, Categories) and operation.unseen == "other":
                before = replace(column.chain, operations=column.chain.operations[:index])
                with unforeseen(f"unseen values of column {shown(column.name)} were counted", place.where):
                    taken = column.chain.as_taken(rows.column(column.name), place)
                    unseen = _unseen(before, operation, taken, place)
                if unseen.rows:
                    found[column.name] = unseen
    return found


def _unseen(before: Chain, operation: Categories, column: pa.Array, place: Place) -> UnseenValues:
    texts, rows, missing = distinct(before.values(column, _ignore, place, as_numbers=False))
    known = frozenset(operation.categories or ())
    is_unseen = np.array([text not in known for text in texts] or [False])
    has_unseen = is_unseen[rows] & ~missing
    values = {texts[index] for index in np.unique(rows[has_unseen])[:MOST_VALUES].tolist()}
    return UnseenValues(values=frozenset(values), rows=int(np.count_nonzero(has_unseen)))


def _ignore(_wrong: str, _rows: Array) -> None:
    """What is wrong with rows was counted when they became features."""
