"""Parquet files with a footer or a page header that says something else than they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.bad_input.thrift import Reader, Struct, written

MAGIC = b"PAR1"

# Fields of parquet.thrift, by the paths that lead to them from the footer.
NUM_ROWS = (3,)
SCHEMA = (2,)
ROW_GROUPS = (4,)
GROUP_ROWS = (4, 0, 3)
CREATED_BY = (6,)
PAGE_SIZE, PAGE_COMPRESSED_SIZE = (2,), (3,)
PAGE_VALUES, DICTIONARY_VALUES = (5, 1), (7, 1)


def column(index: int, field: int) -> tuple[int, ...]:
    """A field of the metadata of a column in the first row group."""
    return (4, 0, 1, index, 3, field)


CODEC, NUM_VALUES, UNCOMPRESSED_SIZE, COMPRESSED_SIZE, DATA_PAGE, DICTIONARY_PAGE = 4, 5, 6, 7, 9, 11


def change_footer(path: Path, change: Callable[[Struct], None]) -> None:
    """Writes the file with a changed footer."""
    content = path.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = Reader(content, start).struct()
    change(footer)
    new = written(footer)
    path.write_bytes(content[:start] + new + len(new).to_bytes(4, "little") + MAGIC)


def change_page(path: Path, index: int, change: Callable[[Struct], None], *, page: int = DATA_PAGE) -> None:
    """Writes the file with a changed header of the first page of a column, which is the file's last column."""
    content = path.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = Reader(content, start).struct()
    place = footer.at(*column(index, page))
    reader = Reader(content, place)
    header = reader.struct()
    change(header)
    new = written(header)
    grown = len(new) - (reader.place - place)
    footer.put(footer.at(*column(index, COMPRESSED_SIZE)) + grown, *column(index, COMPRESSED_SIZE))
    if page == DICTIONARY_PAGE:
        footer.put(footer.at(*column(index, DATA_PAGE)) + grown, *column(index, DATA_PAGE))
    tail = written(footer)
    path.write_bytes(
        content[:place] + new + content[reader.place : start] + tail + len(tail).to_bytes(4, "little") + MAGIC
    )
