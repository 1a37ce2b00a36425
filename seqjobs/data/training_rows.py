"""TrainingRows: the rows that are trained on, read once; and what operations learn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import pyarrow as pa

from seqjobs.data.chain import Chain, Lesson
from seqjobs.data.data_file import DataFile
from seqjobs.data.formats._base import in_pieces
from seqjobs.data.place import Place

Located = tuple[pa.RecordBatch, Place]

LEARNED_AT_ONCE = 65_536
"""Rows of a part: a fixed number, since the sums of parts depend on how they are cut, and files must not matter."""
PIECE_BYTES = 64 << 20
"""A part is learned from in pieces of about so many bytes."""
BATCH_BYTES = 16 << 20
"""Larger batches, such as those of long lists, are cut."""


@final
class TrainingRows:
    """The rows of files, in their order; they stay in memory as Arrow has them, so as to be read once, if they fit."""

    def __init__(
        self, files: Sequence[DataFile], columns: Sequence[str], batch_rows: int, *, memory: int, kept: bool
    ) -> None:
        """Read nothing yet.

        Args:
            files: The files.
            columns: The columns to read.
            batch_rows: The number of rows that are decoded at a time.
            memory: The most bytes for rows that stay in memory and for what operations keep of them.
            kept: Whether rows stay in memory.
        """
        self._files = files
        self._columns = columns
        self._batch_rows = batch_rows
        self._memory = memory
        self._is_kept = kept
        self._kept: list[Located] = []
        self._kept_bytes = 0
        self._is_complete = False

    def batches(self) -> Iterator[Located]:
        """Yield all rows, and where each batch comes from. Raises DataError."""
        return iter(self._kept) if self._is_complete else self._read()

    def give_room(self, num_bytes: int) -> None:
        """Give up the rows in memory if there is no room for them next to so many other bytes."""
        if self._kept_bytes + num_bytes > self._memory:
            self._is_kept = self._is_complete = False
            self._kept, self._kept_bytes = [], 0

    def learned(self, chains: Sequence[Chain], rows: int) -> tuple[Chain, ...]:
        """Return the chains with what the first `rows` tell them: all columns at once, an operation of each a pass.

        Raises DataError: E413 if an operation must keep more of the rows than there is memory for, E417, and those of
        rows.
        """
        lessons: dict[str, Lesson] = {}
        while any(chain.learns for chain in chains):
            for chain in chains:
                lesson = None if chain.name in lessons else chain.lesson()
                if lesson is not None:
                    lessons[chain.name] = lesson
            self._add_all(lessons, rows)
            finished = {name: made for name, lesson in lessons.items() if (made := lesson.finish()) is not None}
            lessons = {name: lesson for name, lesson in lessons.items() if name not in finished}
            chains = [finished.get(chain.name, chain) for chain in chains]
        return tuple(chains)

    def _read(self) -> Iterator[Located]:
        self._kept, self._kept_bytes = [], 0
        for batch, place in located(self._files, self._columns, self._batch_rows):
            if self._is_kept:
                self._kept.append((batch, place))
                self._kept_bytes += batch.nbytes
                self.give_room(0)
            yield batch, place
        self._is_complete = self._is_kept

    def _add_all(self, lessons: dict[str, Lesson], rows: int) -> None:
        """Add the first `rows` to all lessons, and remove those that must wait for memory until another pass."""
        for piece in self._pieces(tuple(lessons), rows):
            for name, lesson in lessons.items():
                lesson.add(_joined(piece.rows.column(name)), piece.place)
                if piece.ends_part:
                    lesson.end_part()
            self._postpone(lessons)

    def _postpone(self, lessons: dict[str, Lesson]) -> None:
        sizes = {name: lesson.learner.num_bytes for name, lesson in lessons.items()}
        self.give_room(sum(sizes.values()))
        while sum(sizes.values()) > self._memory:
            largest = max(sizes, key=lambda name: sizes[name])
            if sizes[largest] > self._memory or len(sizes) == 1:
                raise lessons[largest].too_large(self._memory)
            del lessons[largest], sizes[largest]

    def _pieces(self, columns: Sequence[str], rows: int) -> Iterator[_Piece]:
        """Yield the first `rows`, each part of them in one piece or, if it is large, in several."""
        waiting: list[pa.RecordBatch] = []
        first, count, size = 0, 0, 0
        for batch, _ in self.batches():
            start = 0
            while start < batch.num_rows and first + count < rows:
                left = min(LEARNED_AT_ONCE - (first + count) % LEARNED_AT_ONCE, rows - first - count)
                waiting.append(batch.slice(start, left).select(list(columns)))
                start, count, size = start + left, count + waiting[-1].num_rows, size + waiting[-1].nbytes
                ends_part = (first + count) % LEARNED_AT_ONCE == 0 or first + count == rows
                if ends_part or size > PIECE_BYTES:
                    place = Place(path="the training rows", first_row=first)
                    yield _Piece(rows=pa.Table.from_batches(waiting), place=place, ends_part=ends_part)
                    waiting, first, count, size = [], first + count, 0, 0
            if first >= rows and not self._is_kept:
                return


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """Rows of one part."""

    rows: pa.Table
    place: Place
    ends_part: bool
    """Whether these are the last rows of the part."""


def located(files: Sequence[DataFile], columns: Sequence[str], batch_rows: int) -> Iterator[Located]:
    """The rows of files in batches, each with its place. Raises DataError, also for a file of another length."""
    for file in files:
        row = 0
        for batch in file.batches(columns, batch_rows):
            if row + batch.num_rows > file.rows:
                raise file.wrong_row_count()
            for part in in_pieces(batch, max(1, batch.num_rows * BATCH_BYTES // max(1, batch.nbytes))):
                yield part, Place(path=file.name, first_row=row)
                row += part.num_rows
        if row != file.rows:
            raise file.wrong_row_count()


def _joined(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else joined.chunk(0)
