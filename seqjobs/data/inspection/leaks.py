"""find_leaks: columns that give the target away, as columns do that are known only after the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import stored_type
from seqjobs.data.dataset import Array
from seqjobs.data.inspection.row_blocks import hash_rows
from seqjobs.data.layout import Layout
from seqjobs.errors import DataError

LEAST_ROWS = 50
# Rarer classes are separated by chance.
LEAST_CLASS_ROWS = 5
# A value that few rows have goes with one class by chance; a value that many rows have does so by a rule.
LEAST_ROWS_OF_VALUE = 5
# These rows are checked before all others: nearly every column is cleared by them.
FIRST_ROWS = 1000
# A column of more numbers is a picture or a sequence.
MAX_WIDTH = 200
_EQUAL = 1e-6


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column that may be a leak."""

    name: str
    values: Array
    """(rows, width): numbers, or codes that are equal where values are."""
    is_number: bool
    missing: Array | None = None
    """bool (rows,), or None if every row has a value."""


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A column that gives the target away."""

    column: str
    how: str
    """Follows the column's name in a sentence."""


def find_leaks(candidates: Iterable[Candidate], target: Array, *, is_class: bool) -> tuple[Leak, ...]:
    """Return the columns that determine the target of every row; none if there are too few rows to judge.

    A class is given away if each value of a column goes with one class, if thresholds separate the classes, or if
    values are missing exactly in the rows of one class; a number if it is a linear function of a column.

    Args:
        candidates: The columns to check.
        target: (rows,) numbers, or codes of classes.
        is_class: Whether the target is a class.
    """
    if len(target) < LEAST_ROWS or target.ndim > 1:
        return ()
    if is_class:
        target = np.unique(target, return_inverse=True)[1]
        counts = np.bincount(target)
        if len(counts) < 2 or counts.min() < LEAST_CLASS_ROWS:
            return ()
    describe = _describe_class_leak if is_class else _describe_number_leak
    found = ((candidate.name, describe(candidate, target)) for candidate in candidates)
    return tuple(Leak(column=name, how=how) for name, how in found if how)


def list_feature_candidates(layout: Layout, rows: Array) -> Iterator[Candidate]:
    """Yield the columns of decoded features (rows, width)."""
    for column in layout.columns:
        if column.width <= MAX_WIDTH:
            values = rows[:, column.start : column.start + column.width]
            yield Candidate(name=column.name, values=values, is_number=column.width == 1)


def find_leaks_in_table(rows: pa.Table, target: str, *, is_class: bool) -> tuple[Leak, ...]:
    """Return the leaks among the columns of stored rows that hold one number, string or time a row."""
    rows = rows.filter(rows[target].is_valid())
    if pa.types.is_nested(rows[target].type):
        return ()
    values = encode_values(rows[target]) if is_class else to_numbers(rows[target])
    return find_leaks(_list_table_candidates(rows.drop_columns([target])), values, is_class=is_class)


def _list_table_candidates(rows: pa.Table) -> Iterator[Candidate]:
    for field in rows.schema:
        try:
            kind = stored_type(field)
        except DataError:
            continue
        if kind.shape != () or kind.kind == "bytes":
            continue
        column = rows[field.name]
        values = to_numbers(column) if kind.is_number else encode_values(column)
        missing = np.asarray(column.is_null().combine_chunks()) if column.null_count else None
        yield Candidate(name=field.name, values=values[:, None], is_number=kind.is_number, missing=missing)


def encode_values(column: pa.ChunkedArray) -> Array:
    """Return int64 (rows,) from 0 on, equal where values are; nulls share one code."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    whole = column.combine_chunks()
    whole = whole if isinstance(whole, pa.Array) else whole.chunk(0)
    return np.asarray(pc.dictionary_encode(whole, null_encoding="encode").indices, np.int64)


def to_numbers(column: pa.ChunkedArray) -> Array:
    """Return float64 (rows,), NaN for nulls."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)


def _describe_class_leak(candidate: Candidate, classes: Array) -> str | None:
    values, missing = candidate.values, candidate.missing
    if missing is not None and _has_one_class_each(missing.astype(np.int64), classes):
        return "is missing in all rows of one class and in no other row"
    there = slice(None) if missing is None else ~missing
    step = -(-len(values) // FIRST_ROWS)
    if _has_mixed_values(values[there][::step], classes[there][::step]):
        return None
    if candidate.is_number and _separates(values[:, 0].astype(np.float64), classes):
        return "separates the classes of the target without an exception"
    codes = np.unique(hash_rows(values), return_inverse=True)[1]
    return "has only one class of the target for each of its values" if _has_one_class_each(codes, classes) else None


def _describe_number_leak(candidate: Candidate, target: Array) -> str | None:
    if not candidate.is_number:
        return None
    values = candidate.values[:, 0].astype(np.float64)
    both = np.isfinite(values) & np.isfinite(target)
    values, target = values[both], target[both].astype(np.float64)
    if len(values) < LEAST_ROWS or not values.std() or not target.std():
        return None
    if np.allclose(values, target, rtol=_EQUAL, atol=0):
        return "equals the target"
    if abs(np.corrcoef(values, target)[0, 1]) > 1 - _EQUAL:
        return "is the target in another unit"
    return None


def _has_mixed_values(values: Array, classes: Array) -> bool:
    """Return whether rows with the same value have different classes."""
    if not len(values):
        return False
    distinct, codes = np.unique(hash_rows(values), return_inverse=True)
    return len(np.unique(codes * (int(classes.max()) + 1) + classes)) > len(distinct)


def _has_one_class_each(codes: Array, classes: Array) -> bool:
    """Return whether all rows of each code are of one class, and there are enough rows to say so."""
    num_codes = int(codes.max()) + 1
    if num_codes < 2 or len(codes) < num_codes * LEAST_ROWS_OF_VALUE:
        return False
    return len(np.unique(codes * (int(classes.max()) + 1) + classes)) == num_codes


def _separates(values: Array, classes: Array) -> bool:
    """Return whether the rows of each class follow one another when all rows are sorted by value."""
    there = np.isfinite(values)
    if there.mean() < 0.5:
        return False
    values, classes = values[there], classes[there]
    step = -(-len(values) // FIRST_ROWS)
    if step > 1 and _are_mixed(values[::step], classes[::step]):
        return False  # more rows between these cannot separate them
    return len(np.unique(classes)) > 1 and not _are_mixed(values, classes)


def _are_mixed(values: Array, classes: Array) -> bool:
    """Return whether, sorted by value, a class has rows of another between its own, or shares a value with it."""
    order = np.lexsort((classes, values))
    values, classes = values[order], classes[order]
    changes = classes[1:] != classes[:-1]
    if (values[1:] == values[:-1])[changes].any():
        return True
    return int(changes.sum()) >= len(np.unique(classes))
