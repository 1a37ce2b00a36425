"""Tally: counts the rows that cannot be trained on, so that one error reports all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqjobs.data.dataset import Array
from seqjobs.data.place import Place
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown

MAX_NAMED = 5

FIXES = {
    "null": "fill the gaps, for example with the operation `impute`, or remove those rows.",
    "NaN or infinite": "replace these values or remove those rows.",
    "negative": "make the weights 0 or more, or remove those rows.",
}
CORRECT = "correct these values or remove those rows."


@dataclass
class _Count:
    rows: int
    first: str
    where: str


class Tally:
    """Counts of one split: (code, what is wrong, column) -> number of rows, and the first of them."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], _Count] = {}

    def add(self, code: str, wrong: str, column: str, rows: Array, place: Place) -> None:
        """Count the rows of a batch for which `rows` (bool, one per row) is true."""
        number = int(np.count_nonzero(rows))
        if not number:
            return
        first = place.row(int(rows.argmax()))
        count = self._counts.setdefault((code, wrong, column), _Count(0, first, place.where))
        count.rows += number

    def __bool__(self) -> bool:
        """Whether any row was counted."""
        return bool(self._counts)

    def merge(self, later: Tally) -> None:
        """Add the counts of rows that come after these."""
        for key, found in later._counts.items():
            count = self._counts.setdefault(key, _Count(0, found.first, found.where))
            count.rows += found.rows

    def check(self, total: int) -> None:
        """Raise DataError for the first kind of mistake, with all columns that have it."""
        if not self._counts:
            return
        code, wrong, _ = next(iter(self._counts))
        found = {key[2]: count for key, count in self._counts.items() if key[:2] == (code, wrong)}
        named = [f"{shown(column)} ({count.rows:,} of {total:,} rows)" for column, count in found.items()]
        more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
        first = next(iter(found.values()))
        raise DataError(
            code,
            f"values are {wrong} in column {', '.join(named[:MAX_NAMED])}{more}; the first in {first.first}",
            where=first.where,
            fix=FIXES.get(wrong, CORRECT),
        )
