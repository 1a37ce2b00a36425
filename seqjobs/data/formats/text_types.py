"""The types of a text file's columns: guessed from its beginning, and widened if the guess was wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import final

import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError
from seqjobs.errors.problems import shown

Types = dict[str, pa.DataType]

WIDENING = (pa.null(), pa.int64(), pa.uint64(), pa.float64())
"""A column that looks like one of these types in its first rows may turn out to be one of those after it."""

_EXACT = 2**53  # float64 holds all whole numbers up to it
_WHOLE = re.compile(r"\s*([+-]?\d+)(?:[.,]0*)?\s*", re.ASCII)


@final
class NumberRanges:
    """The ranges of the numbers of a text file, of which its types depend: taken from all of its rows."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, float]] = {}
        self._floats: set[str] = set()

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the rows of a batch."""
        for field, column in zip(batch.schema, batch.columns, strict=True):
            if not (
                pa.types.is_int64(field.type) or pa.types.is_uint64(field.type) or pa.types.is_floating(field.type)
            ):
                continue
            bounds = pc.min_max(column).as_py()
            if bounds["min"] is not None:
                least, largest = self._found.get(field.name, (bounds["min"], bounds["max"]))
                self._found[field.name] = min(least, bounds["min"]), max(largest, bounds["max"])
            if pa.types.is_float64(field.type):
                self._floats.add(field.name)

    @property
    def large(self) -> frozenset[str]:
        """Columns with numbers that float64 may not hold exactly."""
        return frozenset(name for name, bounds in self._found.items() if max(map(abs, bounds)) >= _EXACT)

    @property
    def negative(self) -> frozenset[str]:
        """Columns with numbers below 0."""
        return frozenset(name for name, (least, _) in self._found.items() if least < 0)

    @property
    def unsigned(self) -> frozenset[str]:
        """Columns that were read as floats and may hold whole numbers of 64 bits without a sign."""
        bounds = {name: self._found[name] for name in self._floats if name in self._found}
        return frozenset(
            name for name, (least, largest) in bounds.items() if least >= 0 and 2.0**63 <= largest <= 2.0**64
        )


def is_inexact(text: str) -> bool:
    """Return whether a text is a whole number that float64 does not hold."""
    match = _WHOLE.fullmatch(text)
    if match is None or len(match[1]) < 16:
        return False
    if len(match[1]) > 300:  # beyond the range of float64, and slow to convert
        return True
    return int(float(match[1])) != int(match[1])


def declared_types(types: Mapping[str, str]) -> Types:
    """Return the types in `data.types` as Arrow's types."""
    return {name: pa.type_for_alias(kind) for name, kind in types.items()}


def wider(
    types: Types, name: str, found: pa.DataType, declared: Types, source: SourceFile, text: str, where: str
) -> Types:
    """Return the types, with a wider one for a column that holds `text`. Raises DataError (E410) if there is none."""
    candidates = wider_than(found)
    if pa.types.is_int64(found) and not text.isdecimal():
        candidates = candidates[1:]  # no whole number without a sign
    if not candidates or name in declared:
        raise unconvertible(name, found, declared, source, f"{shown(text)} in {where}")
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
