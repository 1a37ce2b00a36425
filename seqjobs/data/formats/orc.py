"""OrcFormat: ORC files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import final

import pyarrow as pa
from pyarrow import orc

from seqjobs.data.formats._base import Footer, in_pieces
from seqjobs.data.formats.arrow_errors import arrow_errors, damaged
from seqjobs.data.formats.orc_tail import OrcTail
from seqjobs.data.free_memory import free_bytes
from seqjobs.data.memory_limit import SHARE
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError

GIB = 1 << 30
COPIES = 3
"""Of a stripe, while it is read: decompressed, decoded, and as Arrow has it."""

_errors = partial(arrow_errors, format_name="ORC")


@final
class OrcFormat:
    """Reads one stripe after another."""

    def footer(self, source: SourceFile) -> Footer:
        with _errors(source), _open(source) as file:
            schema, rows, stripes = file.schema, file.nrows, sum(_tail(file, source).stripe_rows)
            _ = schema.names  # decoded here, so that names that are not UTF-8 are met here
        if rows != stripes:
            raise damaged(source, "ORC", f"its footer counts {rows} rows, and {stripes} in its stripes")
        return Footer(schema=schema, rows=rows)

    def batches(
        self, source: SourceFile, footer: Footer, columns: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        names = [name for name in footer.schema.names if name in columns]
        with _errors(source), _open(source) as file:
            _check_size(_tail(file, source), [footer.schema.get_field_index(name) for name in names], source)
            for index in range(file.nstripes):
                with _errors(source, part=f"stripe {index}"):
                    batch = file.read_stripe(index, columns=names)
                    batch.validate(full=True)
                yield from in_pieces(batch, rows)


def _tail(file: orc.ORCFile, source: SourceFile) -> OrcTail:
    try:
        return OrcTail.decode(file.reader.serialized_file_tail())
    except (ValueError, IndexError) as error:
        raise damaged(source, "ORC", "its footer cannot be read") from error


def _check_size(tail: OrcTail, columns: Sequence[int], source: SourceFile) -> None:
    """Before a stripe is read: Arrow's reader takes whatever a footer claims, and ends the process where that fails."""
    size, free = COPIES * tail.largest_stripe(columns), free_bytes()
    if size > free * SHARE:
        what = f"a stripe of the file takes {size / GIB:,.1f} GiB of memory, of which {free / GIB:,.1f} GiB are free"
        fix = "check its origin, or write it again in smaller stripes."
        raise DataError("E413", what, where=source.where, fix=fix)


@contextmanager
def _open(source: SourceFile) -> Iterator[orc.ORCFile]:
    with source.open() as opened:
        yield orc.ORCFile(opened)
