"""PredictionFile: a table that is written as its rows come."""

from __future__ import annotations

import io
from types import TracebackType
from typing import IO, Any, Self, final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.results.prediction_columns import Columns
from seqjobs.results.tables import FORMULA_STARTS, csv_cell

SUFFIXES = (".parquet", ".csv")
# Parquet is read a row group at a time.
GROUP_ROWS = 65_536
# Arrow's writer would take their bytes for text.
_BYTES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


@final
class PredictionFile:
    """Takes batches of rows with the same columns, and writes them to an open file as Parquet or CSV."""

    def __init__(self, file: IO[bytes], *, is_csv: bool) -> None:
        self._file = file
        self._is_csv = is_csv
        self._writer: Any = None
        self._waiting: list[pa.RecordBatch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what waits and the end of the file, unless there was an error."""
        if error is None:
            self._flush()
            if self._writer is not None:
                self._writer.close()

    def write(self, kept: pa.RecordBatch, predictions: Columns) -> None:
        """Add rows, whose columns are always the same. Raises DataError (E423) for a column that CSV cannot hold."""
        names = [*kept.schema.names, *predictions]
        rows = pa.RecordBatch.from_arrays([*kept.columns, *predictions.values()], names)
        self._waiting.append(_as_text(rows) if self._is_csv else rows)
        if sum(batch.num_rows for batch in self._waiting) >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting).combine_chunks()
            self._waiting = []
            if self._writer is None:
                self._writer = self._opened(table.schema)
            self._writer.write_table(table)

    def _opened(self, schema: pa.Schema) -> Any:
        if self._is_csv:
            return pacsv.CSVWriter(self._file, schema)
        return pq.ParquetWriter(self._file, schema, compression="zstd")


def _as_text(rows: pa.RecordBatch) -> pa.RecordBatch:
    arrays = [_cells(column, name) for name, column in zip(rows.schema.names, rows.columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, [csv_cell(name) for name in rows.schema.names])


def _fits_a_cell(kind: pa.DataType) -> bool:
    if any(is_bytes(kind) for is_bytes in _BYTES) or isinstance(kind, pa.BaseExtensionType):
        return False
    try:
        pacsv.write_csv(pa.schema([("column", kind)]).empty_table(), io.BytesIO())
    except pa.ArrowException:
        return False
    return True


def _cells(column: pa.Array, name: str) -> pa.Array:
    if not _fits_a_cell(column.type):
        what = f"column {shown(name)} is {shown(str(column.type))}, which a cell of CSV cannot hold"
        raise DataError("E423", what, fix="write Parquet, or leave the column out of --keep.")
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    column = column.cast(pa.large_string())
    runs = pc.is_in(pc.utf8_slice_codeunits(column, 0, 1), pa.array(FORMULA_STARTS, pa.large_string()))
    quote, nothing = pa.scalar("'", pa.large_string()), pa.scalar("", pa.large_string())
    return pc.if_else(runs, pc.binary_join_element_wise(quote, column, nothing), column)
