"""Columns that tell the target of every row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqjobs.data.checks.row_hashes import row_hashes
from seqjobs.data.checks.seen_rows import spread
from seqjobs.data.dataset import Array, Split
from seqjobs.data.layout import Layout
from seqjobs.data.profiles.leakage import (
    FIRST_ROWS,
    LEAST_CLASS_ROWS,
    LEAST_ROWS,
    one_class_each,
    separated,
    tells_number,
)
from seqjobs.errors.problems import shown

MAX_ROWS = 20_000
# A column of more numbers is a picture or a sequence; that whole ones are alike is looked for between the splits.
MAX_WIDTH = 200
MAX_CLASSES = 1000


def leak_warnings(layout: Layout, train: Split, num_classes: int | None) -> Iterator[str]:
    """Looks at MAX_ROWS rows at most, evenly spread; says nothing of fewer than LEAST_ROWS."""
    if len(train) < LEAST_ROWS or train.target.ndim > 1:
        return
    columns = [column for column in layout.columns if column.width <= MAX_WIDTH]
    if not columns:
        return
    rows, target = spread(train, MAX_ROWS)
    is_class = num_classes is not None and num_classes <= MAX_CLASSES
    if is_class:
        target = np.unique(target, return_inverse=True)[1]
        counts = np.bincount(target)
        if len(counts) < 2 or counts.min() < LEAST_CLASS_ROWS:
            return
    for column in columns:
        part = rows[:, column.start : column.start + column.width]
        how = _tells_class(part, target) if is_class else _tells_number(part, target)
        if how:
            yield f"column {shown(column.name)} {how}: if it is not known before the target is, leave it out"


def _tells_class(part: Array, classes: Array) -> str | None:
    step = -(-len(part) // FIRST_ROWS)
    if _has_mixed_values(part[::step], classes[::step]):
        return None
    if part.shape[1] == 1 and separated(part[:, 0].astype(np.float64), classes):
        return "separates the classes of the target by thresholds, without an exception"
    codes = np.unique(row_hashes(part), return_inverse=True)[1]
    return "has one class of the target for each of its values" if one_class_each(codes, classes) else None


def _has_mixed_values(part: Array, classes: Array) -> bool:
    """Whether a value has rows of several classes: so it has among more rows, and nothing is told."""
    distinct, codes = np.unique(row_hashes(part), return_inverse=True)
    return len(np.unique(codes * (int(classes.max()) + 1) + classes)) > len(distinct)


def _tells_number(part: Array, target: Array) -> str | None:
    return tells_number(part[:, 0].astype(np.float64), target.astype(np.float64)) if part.shape[1] == 1 else None
