"""Partitions: columns that stand in the names of folders, as `year=2024/part-0.parquet` has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

Partition = Mapping[str, pa.Scalar]

# As Hive and Spark name the folder of rows that have no value.
_NULL = "__HIVE_DEFAULT_PARTITION__"
_WHOLE_NUMBER = re.compile(r"0|-?[1-9]\d{0,17}")
_MAGIC = re.compile(r"[*?\[]")

Texts = dict[str, str | None]


def folders_below(path: Path, text: str, folder: Path) -> tuple[str, ...]:
    """The folders that a local file lies in, below what the spec's path `text` writes out."""
    fixed = folder.joinpath(*takewhile(lambda part: not _MAGIC.search(part), Path(text).parts))
    return path.relative_to(fixed).parts[:-1]


def partition_texts(folders: Iterable[str]) -> Texts:
    """The columns that stand in the names of folders, as text."""
    found: Texts = {}
    for name in folders:
        column, equals, text = name.partition("=")
        if equals and column:
            found[unquote(column)] = None if text == _NULL else unquote(text)
    return found


def typed(found: Sequence[Texts]) -> list[Partition]:
    """The columns of all files with one type each: whole numbers where all of them are, else strings."""
    texts: dict[str, set[str]] = {}
    for partition in found:
        for name, text in partition.items():
            texts.setdefault(name, set()).update(() if text is None else (text,))
    types = {
        name: pa.int64() if all(map(_WHOLE_NUMBER.fullmatch, values)) else pa.string() for name, values in texts.items()
    }
    return [{name: _scalar(text, types[name]) for name, text in partition.items()} for partition in found]


def _scalar(text: str | None, kind: pa.DataType) -> pa.Scalar:
    if text is None:
        return pa.scalar(None, kind)
    return pa.scalar(int(text) if pa.types.is_integer(kind) else text, kind)
