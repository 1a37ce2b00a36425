"""Format: what the data stage asks of a file format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Footer:
    """What a file says of its rows before they are read."""

    schema: pa.Schema
    rows: int


class Format(Protocol):
    """Reads one format. Holds nothing; every failure is a DataError that names the file.

    E411 a file that is not whole or not of the format, E412 a checksum that does not match, E413 what is too large
    to be read safely, E414 what this build of Arrow cannot decode, E401 a file that cannot be opened.
    """

    def footer(self, path: Path) -> Footer:
        """The schema and the number of rows, cheaply."""

    def batches(self, path: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        """All rows in file order, at most `rows` at a time, with at least `columns`; look them up by name."""
