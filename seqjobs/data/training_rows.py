"""TrainingRows: the rows that are trained on, read once; and what operations learn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import pyarrow as pa

from seqjobs.data.data_file import DataFile
from seqjobs.data.place import Place
from seqjobs.data.preprocess.chain import Chain

Located = tuple[pa.RecordBatch, Place]

LEARNED_AT_ONCE = 65_536
"""Rows that an operation sees at a time: a fixed number, since sums depend on how they are cut, and files must not."""


@final
class TrainingRows:
    """The rows of files, in their order; those of `kept` stay in memory as Arrow has them, so as to be read once."""

    def __init__(self, files: Sequence[DataFile], columns: Sequence[str], batch_rows: int, *, kept: bool) -> None:
        self._files = files
        self._columns = columns
        self._batch_rows = batch_rows
        self._is_kept = kept
        self._kept: list[Located] = []

    def batches(self) -> Iterator[Located]:
        """All rows, and where each batch comes from. Raises DataError."""
        if self._is_kept and not self._kept:
            self._kept = list(located(self._files, self._columns, self._batch_rows))
        return iter(self._kept) if self._is_kept else located(self._files, self._columns, self._batch_rows)

    def learned(self, chains: Sequence[Chain], rows: int) -> tuple[Chain, ...]:
        """The chains with what the first `rows` tell them. Raises DataError (E403)."""
        return tuple(self._learned(chain, rows) if chain.learns else chain for chain in chains)

    def _learned(self, chain: Chain, rows: int) -> Chain:
        column = pa.chunked_array([_column(batch, chain.name) for batch, _ in self.batches()])

        def parts() -> Iterator[tuple[pa.Array, Place]]:
            for start in range(0, rows, LEARNED_AT_ONCE):
                part = column.slice(start, min(LEARNED_AT_ONCE, rows - start))
                yield _joined(part), Place(path="the training rows", first_row=start)

        return chain.learned(parts)


def located(files: Sequence[DataFile], columns: Sequence[str], batch_rows: int) -> Iterator[Located]:
    """The rows of files in batches, each with its place. Raises DataError, also for a file of another length."""
    for file in files:
        row = 0
        for batch in file.batches(columns, batch_rows):
            if row + batch.num_rows > file.rows:
                raise file.wrong_row_count()
            yield batch, Place(path=file.name, first_row=row)
            row += batch.num_rows
        if row != file.rows:
            raise file.wrong_row_count()


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(name))


def _joined(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else joined.chunk(0)
