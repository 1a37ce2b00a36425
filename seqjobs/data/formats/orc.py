"""OrcFormat: ORC files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import final

import pyarrow as pa
from pyarrow import orc

from seqjobs.data.formats._base import Footer, in_pieces, validate
from seqjobs.data.formats.arrow_errors import arrow_errors
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError


def _told(source: SourceFile, message: str) -> DataError | None:
    if "out of range for nanosecond" in message:
        what = f"a time is before 1677 or after 2262, which Arrow cannot read from ORC: {message}"
        return DataError("E410", what, where=source.where, fix="correct it, or write the rows as Parquet.")
    return None


_errors = partial(arrow_errors, format_name="ORC", told=_told)


@final
class OrcFormat:
    """Reads one stripe after another."""

    def footer(self, source: SourceFile) -> Footer:
        with _errors(source), _open(source) as file:
            schema, rows = file.schema, file.nrows
            _ = schema.names  # decoded here, so that a name that is not UTF-8 fails here
        return Footer(schema=schema, rows=rows)

    def batches(
        self, source: SourceFile, footer: Footer, columns: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        names = [name for name in footer.schema.names if name in columns]
        with _errors(source), _open(source) as file:
            for index in range(file.nstripes):
                with _errors(source, part=f"stripe {index}"):
                    batch = file.read_stripe(index, columns=names)
                    validate(batch)
                yield from in_pieces(batch, rows)


@contextmanager
def _open(source: SourceFile) -> Iterator[orc.ORCFile]:
    with source.open() as opened:
        yield orc.ORCFile(opened)
