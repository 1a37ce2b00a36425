"""CsvFormat: text files of comma-separated values, with the names of the columns in the first line."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from seqjobs.data.formats._base import Footer, in_pieces
from seqjobs.data.formats.arrow_errors import arrow_errors
from seqjobs.data.formats.text_types import NumberRanges, Types, declared_types, is_inexact, wider
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError
from seqjobs.jobspec.data_section import CsvSpec, DataSpec

BLOCK_BYTES = 4 << 20
_CONVERSION = re.compile(r"In CSV column #(\d+): (?:(Row #\d+): )?CSV conversion error to (\w+): invalid value (.*)")
_OTHER_COUNT = re.compile(r"Expected 1 columns, got \d+")
_DELIMITERS = (";", "\t", "|", ",")
_IN_SHELL = {"\t": "$'\\t'"}
SNIFFED_BYTES = 1 << 20
"""Bytes of a file that are looked at if it cannot be read as the spec says."""
# Whole numbers of fewer characters are exact in float64.
_LONG = 15
_TABS = {".tsv": "\t"}


@final
class CsvFormat:
    """Reads text a block at a time.

    The first block decides the types; if a later block needs a wider type of a column, the file is read again with it.
    """

    def __init__(self, spec: DataSpec) -> None:
        self._csv = spec.csv or CsvSpec()
        self._declared = declared_types(spec.types)

    def footer(self, source: SourceFile) -> Footer:
        types: Types = {}
        tried = frozenset(self._declared)
        while True:
            try:
                footer, unsigned = self._footer(source, {**types, **self._declared})
            except DataError as error:
                found = _CONVERSION.search(error.what)
                if found is None:
                    raise
                with self._open(source, {}) as reader:  # without types, which may not fit the first row
                    name = reader.schema.names[int(found[1])]
                    kind = self._declared.get(name, types.get(name, reader.schema.field(int(found[1])).type))
                where = found[2].lower() if found[2] else "a row"
                types = wider(types, name, kind, self._declared, source, found[4].strip("'"), where)
            else:
                if unsigned <= tried:
                    return footer
                types.update(dict.fromkeys(unsigned - tried, pa.uint64()))
                tried |= unsigned

    def inexact(self, source: SourceFile, names: Collection[str]) -> Mapping[str, str]:
        """Return those columns of numbers with a whole number that float64 does not hold, and its text."""
        found: dict[str, str] = {}
        with self._open(source, dict.fromkeys(names, pa.string()), tuple(names)) as reader:
            for batch in reader:
                for name in set(names) - set(found):
                    texts = batch.column(name).drop_null()
                    long = texts.filter(pc.greater(pc.binary_length(texts), _LONG))
                    text = next(filter(is_inexact, long.to_pylist()), None)
                    if text is not None:
                        found[name] = text.strip()
        return found

    def _footer(self, source: SourceFile, types: Types) -> tuple[Footer, frozenset[str]]:
        """Return the footer, and the columns that may hold whole numbers without a sign."""
        ranges, rows = NumberRanges(), 0
        with self._open(source, types) as reader:
            if any(map(pa.types.is_binary, reader.schema.types)):  # Arrow's type for a column that is not text
                raise pa.ArrowInvalid("invalid UTF8 data")
            for batch in reader:
                rows += batch.num_rows
                ranges.add(batch)
            footer = Footer(schema=reader.schema, rows=rows, large=ranges.large, negative=ranges.negative)
        return footer, ranges.unsigned

    def batches(
        self, source: SourceFile, footer: Footer, columns: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        types = {field.name: field.type for field in footer.schema if field.name in columns}
        with self._open(source, types, columns) as reader:
            for batch in reader:
                yield from in_pieces(_with_nulls(batch), rows)

    @contextmanager
    def _open(
        self, source: SourceFile, types: Types, columns: Sequence[str] = ()
    ) -> Iterator[pacsv.CSVStreamingReader]:
        told = partial(_told, self._csv.encoding)
        delimiter = self._csv.delimiter or _TABS.get(source.suffix, ",")
        with arrow_errors(source, "CSV", told), source.open_stream() as opened:
            yield pacsv.open_csv(
                opened,
                # With more threads a message does not name the row.
                read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False, encoding=self._csv.encoding),
                parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=pacsv.ConvertOptions(
                    column_types=types,
                    include_columns=list(columns),
                    decimal_point=self._csv.decimal_point,
                    # Without this, a column of texts that look like times would become a column of times.
                    timestamp_parsers=[],
                ),
            )


def _with_nulls(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with nulls for empty cells of text columns, as other columns have them.

    Arrow has an option for this, but it also makes nulls of `NA` and `null`, which may be words.
    """
    for index, column in enumerate(batch.columns):
        if not pa.types.is_string(column.type):
            continue
        empty = pc.equal(column, "")
        if pc.any(empty).as_py():
            found = pc.if_else(empty, pa.scalar(None, column.type), column)
            batch = batch.set_column(index, batch.schema.field(index), found)
    return batch


def _told(encoding: str, source: SourceFile, message: str) -> DataError | None:
    if "UTF" in message or "codec can't decode" in message or _is_utf_16(source, encoding):
        what = f"the text is not {encoding}: {message}"
        other = _other_encoding(source, encoding)
        fix = f"write data.csv: {{encoding: {other}}}; with `seqjobs init`, give --encoding {other}."
        return DataError("E411", what, where=source.where, fix=fix)
    if "Empty CSV file" in message:
        return DataError("E406", "the file is empty", where=source.where, fix="name files that have rows.")
    if _OTHER_COUNT.search(message):
        delimiter = other_delimiter(_beginning(source).decode(encoding, errors="replace").partition("\n")[0])
        if delimiter is not None:
            what = f"this is not a complete CSV file: {message}"
            return DataError("E411", what, where=source.where, fix=write_delimiter(delimiter))
    return None


def other_delimiter(header: str) -> str | None:
    """Return what separates the columns in a first line that was read as one column; None if nothing seems to."""
    found = max(_DELIMITERS, key=header.count)
    return found if header.count(found) else None


def write_delimiter(delimiter: str) -> str:
    """Return the fix for a file with another delimiter."""
    return (
        f"write data.csv: {{delimiter: {json.dumps(delimiter)}}}, which separates the columns of the first line; "
        f"with `seqjobs init`, give --delimiter {_IN_SHELL.get(delimiter, repr(delimiter))}."
    )


def _other_encoding(source: SourceFile, encoding: str) -> str:
    """Return the first of the other encodings that can decode the beginning of a file; latin-1 can decode anything."""
    if _is_utf_16(source, encoding):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(_beginning(source))
    except UnicodeDecodeError:
        return "latin-1"
    return "latin-1" if encoding == "utf-8" else "utf-8"


def _is_utf_16(source: SourceFile, encoding: str) -> bool:
    """Whether a file that was read with another encoding begins as UTF-16 does."""
    return encoding != "utf-16" and _beginning(source).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _beginning(source: SourceFile) -> bytes:
    """Return the first bytes of the text; none if they cannot be decompressed."""
    try:
        with source.open_stream() as opened:
            content: bytes = opened.read(SNIFFED_BYTES)
    except OSError:
        return b""
    return content
