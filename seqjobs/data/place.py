"""Place: where a batch of rows comes from, for messages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from seqjobs.errors.printable import printable


@dataclass(frozen=True, kw_only=True)
class Place:
    """A file, and the number of the batch's first row in it; rows count from 0."""

    path: str
    first_row: int

    @property
    def where(self) -> str:
        return printable(self.path)

    def after(self, rows: int) -> Self:
        """Return the place of what follows the first `rows` of the batch."""
        return replace(self, first_row=self.first_row + rows)

    def row(self, index: int) -> str:
        """Return the name of row `index` of the batch."""
        return f"row {self.first_row + index:,}"
