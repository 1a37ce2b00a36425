"""FeatherFormat: Arrow IPC files, which Feather files of version 2 are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import final

import pyarrow as pa

from seqjobs.data.formats._base import Footer, in_pieces, validate
from seqjobs.data.formats.arrow_errors import arrow_errors
from seqjobs.data.source_file import SourceFile

_errors = partial(arrow_errors, format_name="Arrow IPC (Feather version 2)")


@final
class FeatherFormat:
    """Reads one record batch after another, and checks all offsets before they are used.

    The offsets of a damaged file may lead out of its memory.
    """

    def footer(self, source: SourceFile) -> Footer:
        with _errors(source), _open(source) as file:
            _ = file.schema.names  # decoded here, so that a name that is not UTF-8 fails here
            return Footer(schema=file.schema, rows=file.count_rows())

    def batches(
        self, source: SourceFile, footer: Footer, columns: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        included = [footer.schema.get_field_index(name) for name in columns]
        with _errors(source), _open(source, included) as file:
            for index in range(file.num_record_batches):
                with _errors(source, part=f"record batch {index}"):
                    batch = file.get_batch(index)
                    validate(batch)
                yield from in_pieces(batch, rows)


@contextmanager
def _open(source: SourceFile, included: Sequence[int] = ()) -> Iterator[pa.ipc.RecordBatchFileReader]:
    options = pa.ipc.IpcReadOptions(included_fields=list(included), use_threads=False)
    with source.open() as opened, pa.ipc.open_file(opened, options=options) as file:
        yield file
