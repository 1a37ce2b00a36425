"""Format: what every file format offers to the data stage."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyarrow as pa

from seqjobs.data.source_file import SourceFile


@dataclass(frozen=True, kw_only=True)
class Footer:
    """What is known of the rows of a file before they are read."""

    schema: pa.Schema
    rows: int
    large: frozenset[str] = frozenset()
    """Of text: columns with numbers of 2**53 or more, or -2**53 or less; float64 does not hold all whole ones."""
    negative: frozenset[str] = frozenset()
    """Of text: columns with numbers below 0."""


class Format(Protocol):
    """Reads one format. Keeps no state of a file. Every failure is a DataError that names the file.

    E401 a file that cannot be opened, E410 a text that cannot be read as its column's type, E411 a file that is
    damaged or of another format, E412 a checksum that does not match, E413 a file that needs more memory than is free,
    E414 what this build of Arrow cannot decode.
    """

    def footer(self, source: SourceFile) -> Footer:
        """Return the schema and the number of rows. This is cheap, except for text, which must be read."""

    def batches(
        self, source: SourceFile, footer: Footer, columns: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield all rows in file order, at most `rows` at a time, with at least `columns`, in any order."""


@runtime_checkable
class TextFormat(Format, Protocol):
    """A format without types."""

    def inexact(self, source: SourceFile, names: Collection[str]) -> Mapping[str, str]:
        """Return those columns of numbers with a whole number that float64 does not hold, and its text."""


def validate(batch: pa.RecordBatch) -> None:
    """Check everything in a batch but whether text is UTF-8, which is checked in all formats together.

    Raises ArrowInvalid.
    """
    batch.validate()
    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            # Arrow looks at the bytes of a text after all else.
            if "UTF8" not in str(error):
                raise


def in_pieces(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the batch in pieces of at most `rows`, without a copy."""
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
