"""FeatureArray: the features of one split, filled batch by batch."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import numbers_of
from seqjobs.data.layout import FeatureColumn, Layout
from seqjobs.data.place import Place
from seqjobs.data.prepared_values import PreparedValues
from seqjobs.data.streamed.scratch import RowWriter
from seqjobs.data.streamed.stored_rows import StoredRows
from seqjobs.data.tally import Tally
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.operations._base import NOT_FINITE, Note
from seqjobs.operations.arrays import Array, rows_with
from seqjobs.operations.few_values import FewValues

INT32 = np.iinfo(np.int32)


@final
class FeatureArray:
    """One array for all rows, so that beside it only the batch at hand is in memory; or a file for them."""

    def __init__(self, layout: Layout, rows: int, tally: Tally, writer: RowWriter | None = None) -> None:
        self._layout = layout
        self._tally = tally
        self._rows = rows
        self._writer = writer
        self._prepared: dict[str, PreparedValues] = {}  # by column
        self._array = np.empty((0 if writer else rows, layout.width), layout.feature_dtype)

    def write(self, batch: pa.RecordBatch, start: int, place: Place) -> None:
        """Decodes a batch into the rows from `start`. Raises DataError (E403)."""
        if self._writer is not None:
            block = np.empty((batch.num_rows, self._layout.width), self._layout.feature_dtype)
        else:
            block = self._array[start : start + batch.num_rows]
        for column in self._layout.columns:
            part = block[:, column.start : column.start + column.width]
            self._write_column(batch, column, part, place)
        if block.dtype == np.float32 and not np.isfinite(block).all():
            self._note_not_finite(block, place)
        if self._writer is not None:
            self._writer.append(block)

    def finish(self) -> Array:
        """The features (rows, *feature_shape); those in a file as StoredRows."""
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
        if column.chain.operations:
            self._write_prepared(arrow, column, part, place)
            return
        numbers = numbers_of(arrow, column.name, column.width, place)
        if numbers.values is None:
            self._tally.add("E403", "null", column.name, numbers.null_rows, place)
            part[:] = 0  # so that what stood in this memory is not looked at
            return
        if part.dtype == np.int32:
            check_int32("E403", numbers.values, column.name, place)
        _put(numbers.values, part)

    def _write_prepared(self, arrow: pa.Array, column: FeatureColumn, part: Array, place: Place) -> None:
        note, few = self._noted(column.name, place), FewValues.of(arrow)
        if few is None:
            made = column.chain.apply(arrow, note, place)
            if part.dtype == np.int32:
                check_int32("E403", made, column.name, place)
            _put(made, part)
            return
        known = self._prepared.get(column.name)
        if known is None or not known.holds(few):
            known = self._prepared[column.name] = PreparedValues(column.chain, few, part.dtype, place)
        known.put(few, part, note)

    def _noted(self, name: str, place: Place) -> Note:
        def note(wrong: str, rows: Array) -> None:
            self._tally.add("E431" if wrong == NOT_FINITE else "E403", wrong, name, rows, place)

        return note

    def _note_not_finite(self, block: Array, place: Place) -> None:
        for column in self._layout.columns:
            part = block[:, column.start : column.start + column.width]
            self._tally.add("E431", NOT_FINITE, column.name, rows_with(~np.isfinite(part)), place)


def _put(values: Array, part: Array) -> None:
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, and is found as that
        np.copyto(part, values, casting="unsafe")


def check_int32(code: str, values: Array, name: str, place: Place) -> None:
    """Raises DataError where an integer (rows, width) is beyond 32 bits."""
    if np.can_cast(values.dtype, np.int32) or not values.size:
        return
    if values.min() >= INT32.min and values.max() <= INT32.max:
        return
    wrong = rows_with((values < INT32.min) | (values > INT32.max))
    row = int(wrong.argmax())
    value = values[row][(values[row] < INT32.min) | (values[row] > INT32.max)][0]
    raise DataError(
        code,
        f"column {shown(name)} has {int(value)} in {place.row(row)}, which 32 bits do not hold",
        where=place.where,
        fix="store the column as floats, or leave it out if it only names the rows.",
    )
