"""Leaks: features that give the target away, as what became known only with it does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import stored_type
from seqjobs.data.dataset import Array
from seqjobs.data.profiles.codes import codes_of
from seqjobs.errors import DataError

LEAST_ROWS = 50
# Rarer classes are told apart by chance.
LEAST_CLASS_ROWS = 5
# A value that few rows have tells their target by chance; of one that many have, it is a rule.
LEAST_ROWS_OF_VALUE = 5
# Looked at before all others: hardly a column needs more.
FIRST_ROWS = 1000
_EQUAL = 1e-6


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A column, and how it tells the target."""

    column: str
    how: str
    """Follows the column's name in a sentence."""


def find_leaks(rows: pa.Table, target: str, *, is_class: bool) -> tuple[Leak, ...]:
    """The columns that tell the target of every row; none where there are too few rows to say so.

    A class is told where each value of the column has one class, where thresholds separate the classes, or where
    values are missing in the rows of one class alone; a number where the column is a line's distance from it.
    """
    known = rows.filter(rows[target].is_valid())
    if len(known) < LEAST_ROWS or pa.types.is_nested(rows[target].type):
        return ()
    found = []
    for field in known.schema:
        if field.name != target:
            how = _told(field, known[field.name], known[target], is_class=is_class)
            if how:
                found.append(Leak(column=field.name, how=how))
    return tuple(found)


def _told(field: pa.Field, column: pa.ChunkedArray, target: pa.ChunkedArray, *, is_class: bool) -> str | None:
    try:
        kind = stored_type(field)
    except DataError:
        return None
    if kind.shape != () or kind.kind == "bytes":
        return None
    if not is_class:
        return tells_number(_numbers(column), _numbers(target)) if kind.is_number else None
    classes = codes_of(target)
    counts = np.bincount(classes)
    if len(counts) < 2 or counts.min() < LEAST_CLASS_ROWS:
        return None
    missing = np.asarray(column.is_null().combine_chunks())
    if missing.any() and one_class_each(missing.astype(np.int64), classes):
        return "is missing in all rows of a class, and in no other"
    if kind.is_number and separated(_numbers(column), classes):
        return "separates the classes of the target by thresholds, without an exception"
    if one_class_each(codes_of(column), classes):
        return "has one class of the target for each of its values"
    return None


def one_class_each(values: Array, classes: Array) -> bool:
    """Whether all rows of each value, numbers from 0 on, are of one class, and there are enough of them to say so."""
    num_values = int(values.max()) + 1
    if num_values < 2 or len(values) < num_values * LEAST_ROWS_OF_VALUE:
        return False
    pairs = np.unique(values * (int(classes.max()) + 1) + classes)
    return len(pairs) == num_values


def separated(values: Array, classes: Array) -> bool:
    """Whether all rows of each class follow one another when they are sorted by value, ties included."""
    there = np.isfinite(values)
    if not there.all() and there.mean() < 0.5:
        return False
    values, classes = values[there], classes[there]
    step = -(-len(values) // FIRST_ROWS)
    if step > 1 and _are_mixed(values[::step], classes[::step]):
        return False  # nor do more rows between these part them
    return len(np.unique(classes)) > 1 and not _are_mixed(values, classes)


def _are_mixed(values: Array, classes: Array) -> bool:
    """Whether rows of a class have such of another between them, when they are sorted by value, or share a value."""
    order = np.lexsort((classes, values))
    values, classes = values[order], classes[order]
    changes = classes[1:] != classes[:-1]
    if (values[1:] == values[:-1])[changes].any():
        return True
    return int(changes.sum()) >= len(np.unique(classes))


def tells_number(values: Array, target: Array) -> str | None:
    """How values tell a target of numbers; None where they do not."""
    both = np.isfinite(values) & np.isfinite(target)
    values, target = values[both], target[both]
    if len(values) < LEAST_ROWS or not values.std() or not target.std():
        return None
    if np.allclose(values, target, rtol=_EQUAL, atol=0):
        return "equals the target"
    if abs(np.corrcoef(values, target)[0, 1]) > 1 - _EQUAL:
        return "is the target in another unit"
    return None


def _numbers(column: pa.ChunkedArray) -> Array:
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
