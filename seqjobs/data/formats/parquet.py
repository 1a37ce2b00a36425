"""ParquetFormat: Parquet files, which may come from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, final

import pyarrow as pa
import pyarrow.parquet as pq

from seqjobs.data.formats._base import Footer
from seqjobs.data.formats.arrow_errors import arrow_errors, damaged, too_large, undecodable
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError

# A footer may claim lists and strings of any length. These limits are far above those of real files, and far below
# the memory of a machine.
THRIFT_STRING_BYTES = 64 << 20
THRIFT_CONTAINER_ITEMS = 1_000_000
# A row may hold a list of any length. Arrow ends the process that asks a damaged footer how many values a column has.
# So few rows with lists are decoded at a time, which takes no longer.
ROWS_WITH_LISTS = 1_024
MAX_BATCH_VALUES = 1 << 20


@final
class ParquetFormat:
    """Reads Parquet, verifies page checksums if the file has them, and limits what the footer may claim."""

    def footer(self, source: SourceFile) -> Footer:
        with _errors(source), _open(source) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            groups = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
            _ = schema.names  # decoded here, so that a name that is not UTF-8 fails here
        if rows != sum(groups) or min(groups, default=0) < 0:
            raise damaged(source, "Parquet", f"its footer counts {rows} rows, and {sum(groups)} in its row groups")
        return Footer(schema=schema, rows=rows)

    def batches(
        self, source: SourceFile, footer: Footer, columns: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        strings = [field.name for field in footer.schema if field.name in columns and _is_string(field.type)]
        at_once = _rows_at_once(footer, columns, rows)
        # One long string in a dictionary may stand for a million rows, which no memory could hold as separate strings.
        with _errors(source), _open(source, read_dictionary=strings) as file:
            for group in range(file.num_row_groups):
                with _errors(source, part=f"row group {group}"):
                    yield from file.iter_batches(batch_size=at_once, row_groups=[group], columns=list(columns))


def _rows_at_once(footer: Footer, columns: Sequence[str], rows: int) -> int:
    """Return how many rows to decode at a time: fewer if there are lists among them."""
    lists = [field.type for field in footer.schema if field.name in columns and pa.types.is_nested(field.type)]
    if not lists:
        return rows
    longest = max(kind.list_size if pa.types.is_fixed_size_list(kind) else 1 for kind in lists)
    return max(1, min(rows, ROWS_WITH_LISTS, MAX_BATCH_VALUES // max(1, longest)))


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


@contextmanager
def _open(source: SourceFile, **options: Any) -> Iterator[pq.ParquetFile]:
    with (
        source.open() as opened,
        # Without pre_buffer, only one row group is held compressed; with it, a store gets few large requests.
        pq.ParquetFile(
            opened,
            **options,
            pre_buffer=source.is_remote,
            page_checksum_verification=True,
            thrift_string_size_limit=THRIFT_STRING_BYTES,
            thrift_container_size_limit=THRIFT_CONTAINER_ITEMS,
        ) as file,
    ):
        yield file


def _told(source: SourceFile, message: str) -> DataError | None:
    if "CRC checksum verification failed" in message:
        return DataError(
            "E412",
            f"a page's checksum does not match, so the file was changed after it was written: {message}",
            where=source.where,
            fix="copy or write the file again.",
        )
    if "Exceeded size limit" in message:
        return too_large(source, f"its footer exceeds the limits ({message})")
    if "ompression codec" in message or "not supported by the C++ implementation" in message:
        return undecodable(source, message)
    if "decrypt" in message:
        fix = "write it again without encryption."
        return DataError("E411", f"the file is encrypted: {message}", where=source.where, fix=fix)
    return None


_errors = partial(arrow_errors, format_name="Parquet", told=_told)
