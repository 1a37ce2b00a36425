"""ParquetFormat: Parquet files, which may come from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import pyarrow as pa
import pyarrow.parquet as pq

from seqjobs.data.formats._base import Footer
from seqjobs.errors import DataError
from seqjobs.storage.files import printable

# A footer may claim lists and strings of any length; these are far above honest ones and far below the memory.
THRIFT_STRING_BYTES = 64 << 20
THRIFT_CONTAINER_ITEMS = 1_000_000
MESSAGE_LENGTH = 200


@final
class ParquetFormat:
    """Reads Parquet with page checksums verified where the file has them, and limits on what its footer may claim."""

    def footer(self, path: Path) -> Footer:
        with _errors(path), _open(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            groups = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
            _ = schema.names  # decoded here, so that names that are not UTF-8 are met here
        if rows != sum(groups) or min(groups, default=0) < 0:
            raise _damaged(path, f"its footer counts {rows} rows, and {sum(groups)} in its row groups")
        return Footer(schema=schema, rows=rows)

    def batches(self, path: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        with _errors(path), _open(path) as file:
            metadata, schema = file.metadata, file.schema_arrow
            strings = [field.name for field in schema if field.name in columns and _is_string(field.type)]
        # A dictionary of one long string can stand for a million rows: decoded to strings they are beyond any memory.
        with _errors(path), _open(path, read_dictionary=strings, metadata=metadata) as file:
            yield from file.iter_batches(batch_size=rows, columns=list(columns))


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _open(path: Path, **options: Any) -> pq.ParquetFile:
    # Without pre_buffer the compressed bytes of only one row group are held.
    return pq.ParquetFile(
        path,
        **options,
        pre_buffer=False,
        page_checksum_verification=True,
        thrift_string_size_limit=THRIFT_STRING_BYTES,
        thrift_container_size_limit=THRIFT_CONTAINER_ITEMS,
    )


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Arrow's errors as DataErrors; the words of Arrow's messages are all there is to tell them apart."""
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise DataError(
            "E401", f"the file cannot be opened: {error.strerror}", where=_where(path), fix="make it readable."
        ) from error
    except (pa.ArrowMemoryError, MemoryError) as error:
        raise _too_large(path, _first_line(error)) from error
    except pa.ArrowNotImplementedError as error:
        raise _undecodable(path, _first_line(error)) from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, _first_line(error)) from error


def _unreadable(path: Path, message: str) -> DataError:
    if "CRC checksum verification failed" in message:
        return DataError(
            "E412",
            f"a page's checksum does not match, the file was changed after it was written: {message}",
            where=_where(path),
            fix="copy or write the file again.",
        )
    if "Exceeded size limit" in message:
        return _too_large(path, f"its footer is beyond the limits ({message})")
    if "ompression codec" in message or "not supported by the C++ implementation" in message:
        return _undecodable(path, message)
    if "decrypt" in message:
        fix = "write it again without encryption."
        return DataError("E411", f"the file is encrypted: {message}", where=_where(path), fix=fix)
    return _damaged(path, message)


def _undecodable(path: Path, message: str) -> DataError:
    return DataError(
        "E414",
        f"the file holds what cannot be decoded here: {message}",
        where=_where(path),
        fix="write it again with plain numeric columns and zstd or snappy compression.",
    )


def _damaged(path: Path, message: str) -> DataError:
    return DataError(
        "E411", f"this is not a whole Parquet file: {message}", where=_where(path), fix="copy or write the file again."
    )


def _too_large(path: Path, message: str) -> DataError:
    return DataError("E413", f"the file cannot be read safely: {message}", where=_where(path), fix="check its origin.")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return printable(lines[0]).rstrip(".")[:MESSAGE_LENGTH]


def _where(path: Path) -> str:
    return printable(str(path))
