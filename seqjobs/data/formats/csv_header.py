"""CsvHeader: how many columns a CSV text has, told before a parser makes them."""

from __future__ import annotations

import re
from typing import final

from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError

MAX_COLUMNS = 100_000
"""Arrow takes 8 KB for one, however little is in it."""

LONGEST = 8 << 20
"""More than Arrow reads at once, so it takes no first line of that length."""

# A name in quotes may hold the end of a line.
_FIRST_LINE = re.compile(rb'(?:[^"\r\n]++|"[^"]*+"?)*+')


@final
class CsvHeader:
    """Counts the columns that the first line names."""

    def __init__(self, source: SourceFile, delimiter: str) -> None:
        self._source = source
        self._delimiter = delimiter.encode()
        self._text = b""
        self._is_over = False

    def look(self, block: bytes) -> None:
        """Raises DataError (E413)."""
        if self._is_over or not block:
            return
        self._text += block
        line = _FIRST_LINE.match(self._text)
        assert line is not None  # it may be empty
        if line[0].count(self._delimiter) >= MAX_COLUMNS:
            what = f"its first line names more than {MAX_COLUMNS:,} columns"
            fix = "store the numbers of a row as one column of lists, in Parquet."
            raise DataError("E413", what, where=self._source.where, fix=fix)
        if line.end() < len(self._text) or len(self._text) >= LONGEST:
            self._is_over, self._text = True, b""
