"""FeatureArray: the features of one split, filled batch by batch."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import pyarrow as pa

from seqjobs.data.chain import BLOCK_BYTES, Chain
from seqjobs.data.columns import has_large_numbers, numbers_of
from seqjobs.data.layout import FeatureColumn, Layout
from seqjobs.data.place import Place
from seqjobs.data.streamed.scratch import RowWriter
from seqjobs.data.streamed.stored_rows import StoredRows
from seqjobs.data.tally import Tally
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.errors.unforeseen import unforeseen
from seqjobs.operations._base import NOT_FINITE, TOO_LARGE, Note
from seqjobs.operations.arrays import Array, rows_with
from seqjobs.operations.categories import NOT_IN_TRAINING
from seqjobs.operations.few_values import FewValues
from seqjobs.operations.log1p import NO_LOGARITHM

INT32 = np.iinfo(np.int32)
# Other values that an operation notes cannot be read as what it takes, such as times or pictures.
_CODES = {
    "null": "E408",
    NOT_FINITE: "E431",
    NO_LOGARITHM: "E431",
    TOO_LARGE: "E424",
    NOT_IN_TRAINING: "E407",
}


@final
class FeatureArray:
    """One array for all rows, so that only one batch is in memory in addition; or a file for the rows."""

    def __init__(self, layout: Layout, rows: int, tally: Tally, writer: RowWriter | None = None) -> None:
        self._layout = layout
        self._tally = tally
        self._rows = rows
        self._writer = writer
        self.rounded: set[str] = set()
        """Columns with whole numbers that are used as numbers and that float64 does not hold exactly."""
        self._prepared: dict[str, _PreparedValues] = {}  # by column
        self._array = np.empty((0 if writer else rows, layout.width), layout.feature_dtype)

    def write(self, batch: pa.RecordBatch, start: int, place: Place) -> None:
        """Decode a batch into the rows from `start`, a block at a time. Raises DataError (E409, E424)."""
        rows = self._rows_at_once(batch)
        for first in range(0, batch.num_rows, rows):
            self._write_block(batch.slice(first, rows), start + first, place.after(first))

    def _rows_at_once(self, batch: pa.RecordBatch) -> int:
        prepared = [column for column in self._layout.columns if column.chain.operations]
        widest = max((column.chain.row_bytes(batch.column(column.name)) for column in prepared), default=0)
        return max(1, BLOCK_BYTES // (widest + self._layout.feature_bytes))

    def _write_block(self, batch: pa.RecordBatch, start: int, place: Place) -> None:
        if self._writer is not None:
            block = np.empty((batch.num_rows, self._layout.width), self._layout.feature_dtype)
        else:
            block = self._array[start : start + batch.num_rows]
        for column in self._layout.columns:
            part = block[:, column.start : column.start + column.width]
            with unforeseen(f"column {shown(column.name)} was prepared", place.where):
                self._write_column(batch, column, part, place)
        if block.dtype == np.float32 and not np.isfinite(block).all():
            self._note_not_finite(block, place)
        if self._writer is not None:
            self._writer.append(block)

    def finish(self) -> Array:
        """Return the features (rows, *feature_shape); those in a file as StoredRows."""
        if self._writer is None:
            return self._array.reshape(-1, *self._layout.feature_shape)
        stored = StoredRows(
            path=self._writer.path,
            dtype=np.dtype(self._layout.feature_dtype),
            row_shape=self._layout.feature_shape,
            rows=self._rows,
            window=self._writer.window,
        )
        return cast("Array", stored)

    def _write_column(self, batch: pa.RecordBatch, column: FeatureColumn, part: Array, place: Place) -> None:
        arrow = batch.column(batch.schema.get_field_index(column.name))
        if column.name not in self.rounded and not column.chain.looks_up_values and has_large_numbers(arrow):
            self.rounded.add(column.name)
        if column.chain.operations:
            self._write_prepared(arrow, column, part, place)
            return
        numbers = numbers_of(arrow, column.name, column.width, place)
        if numbers.values is None:
            self._tally.add("E408", "null", column.name, numbers.null_rows, place)
            part[:] = 0  # so that nobody checks what was in this memory before
            return
        if part.dtype == np.int32:
            check_int32(numbers.values, column.name, place)
        _put(numbers.values, part)

    def _write_prepared(self, arrow: pa.Array, column: FeatureColumn, part: Array, place: Place) -> None:
        note, few = self._noted(column.name, place), FewValues.of(arrow)
        if few is None:
            made = column.chain.apply(arrow, note, place)
            if part.dtype == np.int32:
                check_int32(made, column.name, place)
            _put(made, part)
            return
        known = self._prepared.get(column.name)
        if known is None or not known.holds(few):
            known = self._prepared[column.name] = _PreparedValues(column.chain, few, part.dtype, place)
        known.put(few, part, note)

    def _noted(self, name: str, place: Place) -> Note:
        def note(wrong: str, rows: Array) -> None:
            self._tally.add(_CODES.get(wrong, "E410"), wrong, name, rows, place)

        return note

    def _note_not_finite(self, block: Array, place: Place) -> None:
        for column in self._layout.columns:
            part = block[:, column.start : column.start + column.width]
            self._tally.add("E431", NOT_FINITE, column.name, rows_with(~np.isfinite(part)), place)


def _put(values: Array, part: Array) -> None:
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, and is found as such
        np.copyto(part, values, casting="unsafe")


def check_int32(values: Array, name: str, place: Place) -> None:
    """Raises DataError (E424) if an integer (rows, width) is beyond 32 bits."""
    if np.can_cast(values.dtype, np.int32) or not values.size:
        return
    if values.min() >= INT32.min and values.max() <= INT32.max:
        return
    wrong = rows_with((values < INT32.min) | (values > INT32.max))
    row = int(wrong.argmax())
    value = values[row][(values[row] < INT32.min) | (values[row] > INT32.max)][0]
    raise DataError(
        "E424",
        f"column {shown(name)} has {int(value)} in {place.row(row)}, which does not fit into 32 bits",
        where=place.where,
        fix="store the column as floats, or leave it out if it only identifies rows.",
    )


@final
class _PreparedValues:
    """What a chain makes of each value, and what it notes of them, which is told of rows that have them alone."""

    def __init__(self, chain: Chain, few: FewValues, dtype: np.dtype[np.generic], place: Place) -> None:
        self._few = few
        self._notes: list[tuple[str, Array]] = []
        found = chain.apply(few.column, lambda wrong, values: self._notes.append((wrong, values)), place)
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, and is found as such
            self._features = found.astype(dtype)

    def holds(self, few: FewValues) -> bool:
        """Whether all of these values are among its own."""
        return self._few.low <= few.low and few.high <= self._few.high

    def put(self, few: FewValues, part: Array, note: Note) -> None:
        """Writes the features of rows (rows, width)."""
        codes = few.codes if few.low == self._few.low else few.codes + (few.low - self._few.low)
        part[:] = np.take(self._features, codes, axis=0)
        for wrong, values in self._notes:
            if values.any():
                note(wrong, values[codes])
