"""DataFile: one file of a dataset, with the columns that its path adds to its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import pyarrow as pa

from seqjobs.data.formats import Footer, Format, TextFormat, format_of
from seqjobs.data.memory_limit import memory_limit, within_memory
from seqjobs.data.partitions import Partition
from seqjobs.data.plain_texts import plain_texts
from seqjobs.data.reading_note import reading, while_reading
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.jobspec.data_files import TEXT_FORMATS, format_name
from seqjobs.jobspec.data_section import DataSpec


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file: how it is read, its footer, and the columns in its path."""

    source: SourceFile
    format: Format
    own: Footer
    """The footer of the file, without the columns in its path."""
    partition: Partition
    """Columns in the path of the file -> the value of all its rows."""

    @classmethod
    def open(cls, source: SourceFile, partition: Partition, spec: DataSpec) -> Self:
        """Read the footer of a file. Raises DataError if the file cannot be read."""
        found = format_of(source, spec)
        with memory_limit(), reading(source.name):
            footer = found.footer(source)
        return cls(
            source=source,
            format=found,
            own=footer,
            # A column in the file itself counts more than one in its path.
            partition={name: value for name, value in partition.items() if name not in footer.schema.names},
        )

    @property
    def name(self) -> str:
        """How errors name it."""
        return self.source.name

    @property
    def rows(self) -> int:
        return self.own.rows

    @property
    def is_text(self) -> bool:
        return format_name(self.source.path.name) in TEXT_FORMATS

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows: first the columns of the file, then those in its path."""
        schema = self.own.schema
        for name, value in self.partition.items():
            schema = schema.append(pa.field(name, value.type))
        return schema

    def with_schema(self, schema: pa.Schema) -> Self:
        """Return the file, to be read with other types."""
        return replace(self, own=replace(self.own, schema=schema))

    @cached_property
    def inexact(self) -> Mapping[str, str]:
        """Columns of a text file with a whole number that was lost when it became a float, and its text."""
        schema = self.own.schema
        types = {field.name: field.type for field in schema}
        names = [name for name in sorted(self.own.large) if pa.types.is_floating(types[name])]
        if not names or not isinstance(self.format, TextFormat):
            return {}
        with memory_limit(), reading(self.name):
            return self.format.inexact(self.source, names)

    def batches(self, columns: Sequence[str], rows: int, *, repair: bool = False) -> Iterator[pa.RecordBatch]:
        """Yield all rows in their order, at most `rows` at a time, with at least `columns`. Raises DataError.

        With `repair`, text that is not UTF-8 is repaired; otherwise it is an error.
        """
        own = [name for name in columns if name not in self.partition]
        batches = self.format.batches(self.source, self.own, own, rows)
        first_row = 0
        for batch in within_memory(while_reading(batches, self.name)):
            plain = plain_texts(batch, self.source, first_row, repair=repair)
            yield self._with_partition(plain, columns)
            first_row += batch.num_rows

    def _with_partition(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        for name, value in self.partition.items():
            if name in columns:
                batch = batch.append_column(name, pa.repeat(value, batch.num_rows))
        return batch

    def wrong_row_count(self) -> DataError:
        """Return the error for a file whose number of rows is not the one in its footer."""
        what = (
            f"this file is incomplete: it does not have the {self.rows:,} rows that were counted before they were read"
        )
        return DataError("E411", what, where=printable(self.name), fix="copy or write the file again.")
