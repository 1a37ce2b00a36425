"""Formats: how the rows of a file become Arrow record batches; one module a format."""

from __future__ import annotations

from pathlib import Path

from seqjobs.data.formats._base import Footer, Format
from seqjobs.data.formats.parquet import ParquetFormat
from seqjobs.storage.files import format_name

FORMATS: dict[str, Format] = {"parquet": ParquetFormat()}
"""By the names that `seqjobs.storage.files.SUFFIXES` gives the endings of files."""


def format_of(path: Path) -> Format:
    """The reader of a data file. Raises DataError (E415)."""
    return FORMATS[format_name(path)]


__all__ = ["FORMATS", "Footer", "Format", "ParquetFormat", "format_of"]
