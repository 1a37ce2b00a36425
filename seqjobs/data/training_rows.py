"""TrainingRows: the rows that are trained on, read once; and what operations learn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import pyarrow as pa

from seqjobs.data.chain import Chain
from seqjobs.data.data_file import DataFile
from seqjobs.data.place import Place

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
        """The chains with what the first `rows` tell them: all columns at once, an operation of each a pass.

        Raises DataError (E417, and of rows).
        """
        while any(chain.learns for chain in chains):
            chains = self._learned_once(chains, rows)
        return tuple(chains)

    def _learned_once(self, chains: Sequence[Chain], rows: int) -> Sequence[Chain]:
        lessons = {chain.name: lesson for chain in chains if (lesson := chain.lesson()) is not None}
        for part, place in self._parts(tuple(lessons), rows):
            for name, lesson in lessons.items():
                lesson.add(_joined(part.column(name)), place)
        return [lessons[chain.name].finish() if chain.name in lessons else chain for chain in chains]

    def _parts(self, columns: Sequence[str], rows: int) -> Iterator[tuple[pa.Table, Place]]:
        """The first `rows`, LEARNED_AT_ONCE of them at a time, whatever the batches."""
        waiting: list[pa.RecordBatch] = []
        count = first = 0
        for batch, _ in self.batches():
            waiting.append(batch.select(list(columns)))
            count += batch.num_rows
            while count >= min(LEARNED_AT_ONCE, rows - first) > 0:
                table = pa.Table.from_batches(waiting)
                part = table.slice(0, min(LEARNED_AT_ONCE, rows - first))
                yield part, Place(path="the training rows", first_row=first)
                first, count = first + part.num_rows, count - part.num_rows
                waiting = table.slice(part.num_rows).to_batches()
            if first >= rows:
                return


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


def _joined(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else joined.chunk(0)
