"""Values of new rows as training had them, so that a value that is looked up is the same in every type.

True is 1, "3" and 3.0 are 3, and 0.1 is the float32 nearest to it. What has no counterpart is reported, because it
would pass for an unseen category or for another bucket of a hash.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from seqjobs.data.chain import Chain
from seqjobs.data.columns import LARGEST_EXACT, numeric_type
from seqjobs.operations._base import Note
from seqjobs.operations.categories import Categories
from seqjobs.operations.column_type import ColumnType
from seqjobs.operations.hash import Hash

FRACTIONS = "fractions, but training looked up whole numbers,"
DIGITS_LOST = "floats so large that whole numbers have lost digits, but training looked up whole numbers,"
_NO_BOOLEANS = "neither 0 nor 1, but training looked up booleans,"
_NO_WHOLE_NUMBERS = "no whole numbers of 64 bits, but training looked up whole numbers,"
_NO_NUMBERS = "no numbers, but training looked up numbers,"
_OTHER_BITS = "fractions of fewer bits than the ones that training hashed,"

_LOOKED_UP = ("bool", "integer", "float", "string")
_WHOLE = re.compile(r"\s*([+-]?\d+)(?:\.0*)?\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def is_converted(trained: Chain, found: ColumnType) -> bool:
    """Return whether `as_looked_up` makes values of the trained type of a column that has another type."""
    given = trained.given
    if not trained.looks_up_values or given.shape != () or found.shape != ():
        return False
    if given.kind not in _LOOKED_UP or found.kind not in _LOOKED_UP or given.kind == "string":
        return False
    if given.kind == found.kind:
        return given.kind == "float" and given.dtype != found.dtype
    # A whole number has the same text in both types.
    return {given.kind, found.kind} != {"integer", "float"}


def is_hash_of_texts(trained: Chain, found: ColumnType) -> bool:
    """Return whether training hashed texts, of which the text of a number may differ, as `007` does from 7."""
    hashes = trained.looks_up_values and any(isinstance(operation, Hash) for operation in trained.operations)
    return hashes and trained.given.kind == "string" and found.is_number


def as_looked_up(column: pa.Array, trained: Chain, note: Note) -> pa.Array:
    """Return the values of a column with the trained type, null where a value has no counterpart, which is noted."""
    given = trained.given
    if given.kind == "bool":
        return _converted(column, pa.bool_(), _as_bool, _NO_BOOLEANS, note)
    if given.kind == "integer":
        kind = pa.uint64() if given.dtype == "uint64" else pa.int64()
        return _converted(column, kind, _as_whole(kind), _NO_WHOLE_NUMBERS, note)
    kind = numeric_type(given.dtype)
    if pa.types.is_floating(column.type) and column.type.bit_width > kind.bit_width:
        return column.cast(kind, safe=False)
    if pa.types.is_floating(column.type):
        return _converted(column, kind, _widened(column.type, trained), _OTHER_BITS, note)
    return _converted(column, kind, _as_float, _NO_NUMBERS, note)


def note_lost_digits(column: pa.Array, note: Note) -> None:
    """Note floats that cannot be the whole numbers that training looked up."""
    numbers = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
    is_finite = np.isfinite(numbers)
    note(FRACTIONS, is_finite & (numbers != np.floor(numbers)))
    largest = LARGEST_EXACT if pa.types.is_float64(column.type) else 2**24
    note(DIGITS_LOST, is_finite & (np.abs(numbers) >= largest))


def _converted(column: pa.Array, kind: pa.DataType, convert: Callable[[Any], Any], wrong: str, note: Note) -> pa.Array:
    """Convert each distinct value; `convert` returns None for one that has no counterpart."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    found = [None if _is_missing(value) else convert(value) for value in values]
    is_wrong = [made is None and not _is_missing(value) for made, value in zip(found, values, strict=True)]
    if any(is_wrong):
        note(wrong, np.asarray(pa.array(is_wrong).take(encoded.indices).fill_null(False)))
    return pa.array(found, kind).take(encoded.indices)


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _as_bool(value: Any) -> bool | None:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower())
    return bool(value) if value in (0, 1) else None


def _as_whole(kind: pa.DataType) -> Callable[[Any], int | None]:
    least, largest = (0, 2**64 - 1) if pa.types.is_uint64(kind) else (-(2**63), 2**63 - 1)

    def convert(value: Any) -> int | None:
        if isinstance(value, str):
            match = _WHOLE.fullmatch(value)
            if match is None:
                return None
            value = int(match[1]) if len(match[1]) < 25 else largest + 1
        return int(value) if least <= value <= largest else None

    return convert


def _as_float(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return float(value)


def _widened(stored: pa.DataType, trained: Chain) -> Callable[[float], float | None]:
    """Return what makes a float64 of a float32: the same value if training had it, else the one that it rounds."""
    narrow = np.dtype(stored.to_pandas_dtype()).type
    known: set[str] = set()
    for operation in trained.operations:
        known.update(operation.categories or () if isinstance(operation, Categories) else ())
    hashes = any(isinstance(operation, Hash) for operation in trained.operations)

    def convert(value: float) -> float | None:
        written = float(str(narrow(value)))
        if written == value or str(value) in known:
            return value
        return None if hashes else written

    return convert
