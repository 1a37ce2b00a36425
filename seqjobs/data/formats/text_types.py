"""The types of a text file's columns: guessed from its beginning, and widened if the guess was wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown

Types = dict[str, pa.DataType]

WIDENING = (pa.null(), pa.int64(), pa.float64())
"""A column that looks like one of these types in its first rows may turn out to be one of those after it."""


def declared_types(types: Mapping[str, str]) -> Types:
    """Return the types in `data.types` as Arrow's types."""
    return {name: pa.type_for_alias(kind) for name, kind in types.items()}


def wider(types: Types, name: str, found: pa.DataType, declared: Types, source: SourceFile, value: str) -> Types:
    """Return the types, with a wider one for a column. Raises DataError (E410) if there is none."""
    candidates = wider_than(found)
    if not candidates or name in declared:
        raise unconvertible(name, found, declared, source, value)
    return {**types, name: candidates[0]}


def wider_than(found: pa.DataType) -> tuple[pa.DataType, ...]:
    """Return the types that a column of this type may turn out to have, the nearest first."""
    return WIDENING[WIDENING.index(found) + 1 :] if found in WIDENING else ()


def unconvertible(name: str, found: pa.DataType, declared: Types, source: SourceFile, value: str) -> DataError:
    """Return the error for a column with a value that cannot be read as its type."""
    kind = "a number" if pa.types.is_integer(found) or pa.types.is_floating(found) else f"of type {found}"
    if name in declared:
        what = f"column {shown(name)} has {value}, which is not {found}, the type in data.types"
        return DataError("E410", what, where=source.where, fix="correct the value, or the type in data.types.")
    what = f"column {shown(name)} has {value}, which is not {kind} like the values before it"
    fix = f"correct the value, or write data.types: {{{name}: string}} if the column holds names."
    return DataError("E410", what, where=source.where, fix=fix)
