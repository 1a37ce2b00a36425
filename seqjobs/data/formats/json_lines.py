"""JsonLinesFormat: text files with one JSON object per line, all with the same keys."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import final

import pyarrow as pa
import pyarrow.json as pajson

from seqjobs.data.formats._base import Footer, in_pieces
from seqjobs.data.formats.arrow_errors import arrow_errors
from seqjobs.data.formats.text_types import (
    NumberRanges,
    Types,
    declared_types,
    is_inexact,
    unconvertible,
    wider_than,
)
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown
from seqjobs.jobspec.data_section import DataSpec

BLOCK_BYTES = 4 << 20
_CONVERSION = re.compile(r"Failed to convert JSON to |Column\(/.*\) changed from|Column\(/.*\) was expected")
_CHANGED = re.compile(r"Column\(/(.+?)\) changed from (\w+) to (\w+)")


@final
class JsonLinesFormat:
    """Reads text a block at a time.

    The first block decides the keys and the types; if a later block needs a wider type of a column, the file is read
    again with it.
    """

    def __init__(self, spec: DataSpec) -> None:
        self._declared = declared_types(spec.types)

    def footer(self, source: SourceFile) -> Footer:
        types = self._declared
        try:
            footer, unsigned = self._footer(source, types)
        except DataError as error:
            if not _CONVERSION.search(error.what):
                raise
            with self._open(source, types) as reader:
                schema = reader.schema
            # Arrow does not name the column, so each column is read alone.
            types = {field.name: self._widened(source, field) for field in schema}
            footer, unsigned = self._footer(source, types)
        whole = [name for name in unsigned - set(self._declared) if self._is_readable(source, name, pa.uint64())]
        if not whole:
            return footer
        return self._footer(source, {**types, **dict.fromkeys(whole, pa.uint64())})[0]

    def inexact(self, source: SourceFile, names: Collection[str]) -> Mapping[str, str]:
        """Return those columns of numbers with a whole number that float64 does not hold, and its text."""
        found: dict[str, str] = {}
        with source.open_stream() as opened, io.TextIOWrapper(opened, "utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    row = json.loads(line, parse_int=str, parse_float=str)
                except (ValueError, RecursionError):  # what Arrow reads and this does not, as two objects in a line
                    continue
                for name in names:
                    text = row.get(name) if isinstance(row, dict) and name not in found else None
                    if isinstance(text, str) and is_inexact(text):
                        found[name] = text
                if len(found) == len(names):
                    break
        return found

    def _footer(self, source: SourceFile, types: Types) -> tuple[Footer, frozenset[str]]:
        """Return the footer, and the columns that may hold whole numbers without a sign."""
        ranges, rows = NumberRanges(), 0
        with self._open(source, types) as reader:
            for batch in reader:
                rows += batch.num_rows
                ranges.add(batch)
            footer = Footer(schema=reader.schema, rows=rows, large=ranges.large, negative=ranges.negative)
        return footer, ranges.unsigned

    def batches(
        self, source: SourceFile, footer: Footer, columns: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        types = {name: footer.schema.field(name).type for name in columns}
        with self._open(source, types, only=True) as reader:
            for batch in reader:
                yield from in_pieces(batch, rows)

    def _widened(self, source: SourceFile, field: pa.Field) -> pa.DataType:
        # In JSON, quotes tell a string from a number.
        strings = (pa.string(),) if pa.types.is_null(field.type) else ()
        wider = () if field.name in self._declared else (*wider_than(field.type), *strings)
        for kind in (field.type, *wider):
            if self._is_readable(source, field.name, kind):
                return kind
        raise unconvertible(field.name, field.type, self._declared, source, "a value")

    def _is_readable(self, source: SourceFile, name: str, kind: pa.DataType) -> bool:
        try:
            with self._open(source, {name: kind}, only=True) as reader:
                for _ in reader:
                    pass
        except DataError as error:
            if not _CONVERSION.search(error.what):
                raise
            return False
        return True

    @contextmanager
    def _open(self, source: SourceFile, types: Types, *, only: bool = False) -> Iterator[pajson.JSONStreamingReader]:
        with arrow_errors(source, "JSON lines", _told), source.open_stream() as opened:
            yield pajson.open_json(
                opened,
                read_options=pajson.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
                parse_options=pajson.ParseOptions(
                    explicit_schema=pa.schema(list(types.items())) if types else None,
                    unexpected_field_behavior="ignore" if only else "infer",
                ),
            )


def _told(source: SourceFile, message: str) -> DataError | None:
    if (changed := _CHANGED.search(message)) and changed[2] != "null":
        what = f"column {shown(changed[1])} has a {changed[3]} where other rows have a {changed[2]}"
        fix = "correct it, so that all rows have one type."
        return DataError("E410", f"{what}: {message}", where=source.where, fix=fix)
    if "Empty JSON" in message:
        return DataError("E406", "the file is empty", where=source.where, fix="name files that have rows.")
    if "straddl" in message:
        what = f"a line is longer than {BLOCK_BYTES >> 20} MiB"
        return DataError("E413", what, where=source.where, fix="store the rows as Parquet.")
    return None
