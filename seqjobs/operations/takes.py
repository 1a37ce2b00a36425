"""Takes: which columns an operation can be given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqjobs.errors import DataError
from seqjobs.operations.column_type import ColumnType, Kind

Rank = Literal["single", "fixed", "lists"]
"""How many values a row has: one; any number that is the same in all rows; or any number, in a list."""

_NUMBERS: frozenset[Kind] = frozenset({"bool", "integer", "float"})


@dataclass(frozen=True, kw_only=True)
class Takes:
    """The types of the columns that an operation can be given. They are checked before any row is read."""

    words: str
    """The columns, in the words of the documentation."""
    kinds: frozenset[Kind]
    rank: Rank
    wanted: str
    """What the operation takes, in the words of an error."""
    fix: str

    def check(self, given: ColumnType) -> None:
        """Raises DataError (E403) if a column of this type cannot be the input."""
        if given.kind not in self.kinds:
            raise _unlike(given, self.wanted, self.fix)
        if self.rank == "fixed" and given.shape is None:
            raise _unlike(given, "lists of one length", "put `pad` before it.")
        if (self.rank == "single" and given.shape not in ((), (1,))) or (self.rank == "lists" and given.shape == ()):
            raise _unlike(given, self.wanted, self.fix)


def _unlike(given: ColumnType, wanted: str, fix: str) -> DataError:
    return DataError("E403", f"it takes {wanted}, but is given {given}", fix=fix)


NUMBERS = Takes(
    words="numbers",
    kinds=_NUMBERS,
    rank="fixed",
    wanted="numbers",
    fix="convert it to numbers first, for example with index, one_hot or date_parts.",
)
LISTS = Takes(
    words="lists of numbers",
    kinds=_NUMBERS,
    rank="lists",
    wanted="lists of numbers",
    fix="give it a column of lists.",
)
CATEGORIES = Takes(
    words="strings, whole numbers",
    kinds=_NUMBERS | {"string"},
    rank="single",
    wanted="single strings or numbers",
    fix="take a part of it first, for example with date_parts.",
)
TIMES = Takes(
    words="times",
    kinds=frozenset({"time", "string"}),
    rank="single",
    wanted="times",
    fix="give it a column of timestamps, dates, or strings such as 2024-03-31T23:59:59.",
)
TEXTS = Takes(
    words="strings",
    kinds=frozenset({"string"}),
    rank="single",
    wanted="texts",
    fix="give it a column of strings.",
)
PICTURES = Takes(
    words="bytes",
    kinds=frozenset({"bytes"}),
    rank="single",
    wanted="pictures",
    fix="give it a column of bytes, each a PNG or JPEG file.",
)
