"""Formats: how the rows of a file become Arrow record batches; one module per format."""

from __future__ import annotations

from collections.abc import Callable

from seqjobs.data.formats._base import Footer, Format, TextFormat
from seqjobs.data.formats.csv import CsvFormat
from seqjobs.data.formats.feather import FeatherFormat
from seqjobs.data.formats.json_lines import JsonLinesFormat
from seqjobs.data.formats.orc import OrcFormat
from seqjobs.data.formats.parquet import ParquetFormat
from seqjobs.data.source_file import SourceFile
from seqjobs.jobspec.data_files import format_name
from seqjobs.jobspec.data_section import DataSpec

FORMATS: dict[str, Callable[[DataSpec], Format]] = {
    "parquet": lambda _: ParquetFormat(),
    "csv": CsvFormat,
    "feather": lambda _: FeatherFormat(),
    "orc": lambda _: OrcFormat(),
    "json-lines": JsonLinesFormat,
}
"""By the names of formats in `seqjobs.jobspec.data_files.SUFFIXES`."""


def format_of(source: SourceFile, spec: DataSpec) -> Format:
    """Return the reader of a data file. Raises DataError (E415)."""
    return FORMATS[format_name(source.path.name)](spec)


__all__ = ["FORMATS", "Footer", "Format", "ParquetFormat", "TextFormat", "format_of"]
