"""warn_of_rows: what is suspicious in decoded rows. A warning never keeps a run from training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seqjobs.data.dataset import Array, Split
from seqjobs.data.inspection.leaks import LEAST_ROWS, MAX_WIDTH, find_leaks, list_feature_candidates
from seqjobs.data.inspection.row_blocks import count_feature_bytes, hash_rows, iterate_blocks, select_spread_rows
from seqjobs.data.layout import FeatureColumn, Layout
from seqjobs.data.split_rows import split_rows
from seqjobs.errors.percentages import shown_percent
from seqjobs.errors.problems import shown

MAX_NAMED = 5
# Leaks are looked for in so many rows.
MAX_LEAK_ROWS = 20_000
# Beyond these, whole numbers are more likely counts or years than classes.
MAX_CLASSES = 1000
FEW_ROWS = 5
MOST_ROWS = 0.9
# Shared rows are not looked for in larger data, since that takes a pass over all of it.
MAX_SHARED_BYTES = 256 << 20
# Rows of a few categories are often alike by chance, within the training rows as well as between both parts.
TIMES_BY_CHANCE = 3


def warn_of_rows(
    layout: Layout,
    train: Split,
    validation: Split | None,
    *,
    classes: Sequence[str] | None,
    num_classes: int | None,
    held_back: float,
) -> tuple[str, ...]:
    """Return warnings, each a sentence without its full stop.

    Args:
        layout: The columns of the features.
        train: The training rows.
        validation: The rows of `data.validation`.
        classes: The strings of a string target.
        num_classes: None for targets that are not classes.
        held_back: The last fraction of the training rows, which trials validate on; 0 if they do not.
    """
    warnings = [
        *_warn_of_leaks(layout, train, num_classes),
        *_warn_of_constant_columns(layout, train),
        *_warn_of_class_sizes(layout.target, train, classes, num_classes),
    ]
    if validation is not None:
        warnings += _warn_of_shared_rows(train, validation, "validation rows")
    elif held_back:
        first = split_rows(len(train), held_back)
        trained, validated = train.part(slice(0, first)), train.part(slice(first, None))
        which = f"rows that fit.validation_split {held_back:g} holds back"
        warnings += _warn_of_shared_rows(trained, validated, which)
    return tuple(warnings)


def warn_of_lost_digits(columns: Sequence[str]) -> Iterator[str]:
    """Yield a warning for columns with whole numbers that floats do not hold exactly."""
    if columns:
        names = ", ".join(shown(column) for column in columns[:MAX_NAMED])
        others = f" and {len(columns) - MAX_NAMED} more" if len(columns) > MAX_NAMED else ""
        subject = f"columns {names}{others} have" if len(columns) > 1 else f"column {names} has"
        yield (
            f"{subject} whole numbers beyond 2**53, which lose digits when they are used as numbers; leave out columns "
            "that identify rows"
        )


def find_empty_classes(target: Array, num_classes: int | None) -> tuple[int, ...]:
    """Return the classes below `num_classes` that no row of a target (rows,) has; none beyond MAX_CLASSES classes."""
    if num_classes is None or num_classes > MAX_CLASSES:
        return ()
    return tuple(np.flatnonzero(np.bincount(target, minlength=num_classes) == 0).tolist())


def _warn_of_leaks(layout: Layout, train: Split, num_classes: int | None) -> Iterator[str]:
    if len(train) < LEAST_ROWS or all(column.width > MAX_WIDTH for column in layout.columns):
        return  # without reading rows that lie in a file
    rows, target = select_spread_rows(train, MAX_LEAK_ROWS)
    is_class = num_classes is not None and num_classes <= MAX_CLASSES
    for leak in find_leaks(list_feature_candidates(layout, rows), target, is_class=is_class):
        yield f"column {shown(leak.column)} {leak.how}; leave it out unless it is known before the target is"


def _warn_of_constant_columns(layout: Layout, train: Split) -> Iterator[str]:
    if len(train) < 2:
        return
    first = train.features[:1].reshape(-1)
    constant = list(layout.columns)
    for rows in iterate_blocks(train):
        constant = [column for column in constant if _is_constant(column, rows, first)]
        # Most columns differ within their first rows and are not read further.
        if not constant:
            return
    names = ", ".join(shown(column.name) for column in constant[:MAX_NAMED])
    others = f" and {len(constant) - MAX_NAMED} more" if len(constant) > MAX_NAMED else ""
    subject = f"columns {names}{others} have" if len(constant) > 1 else f"column {names} has"
    yield f"{subject} the same value in all {len(train):,} training rows; leave out constant columns"


def _is_constant(column: FeatureColumn, rows: Array, first: Array) -> bool:
    places = slice(column.start, column.start + column.width)
    return bool((rows[:, places] == first[places]).all())


def _warn_of_class_sizes(
    target: str, train: Split, classes: Sequence[str] | None, num_classes: int | None
) -> Iterator[str]:
    if num_classes is None or not 2 <= num_classes <= MAX_CLASSES or len(train) < 2 * num_classes:
        return
    counts = np.bincount(train.target, minlength=num_classes)
    names = classes or tuple(map(str, range(num_classes)))
    few = np.flatnonzero((counts > 0) & (counts < FEW_ROWS)).tolist()
    rare = [f"{shown(names[index])} ({counts[index]})" for index in few]
    if rare:
        more = f" and {len(rare) - MAX_NAMED} more" if len(rare) > MAX_NAMED else ""
        listed = ", ".join(rare[:MAX_NAMED])
        yield f"target {shown(target)} has classes with fewer than {FEW_ROWS} training rows: {listed}{more}"
    share = counts.max() / counts.sum()
    if share >= MOST_ROWS:
        most = shown(names[int(counts.argmax())])
        yield (
            f"{shown_percent(share)} of the training rows are of class {most}, so a high accuracy means little; "
            "consider fit.class_weight and the metric AUC"
        )


def _warn_of_shared_rows(train: Split, validation: Split, which: str) -> Iterator[str]:
    """Compare features alone: a model that remembers a row knows it whatever its target is."""
    if (
        not len(train)
        or not len(validation)
        or count_feature_bytes(train) + count_feature_bytes(validation) > MAX_SHARED_BYTES
    ):
        return
    known = np.unique(_hash_split(train))
    by_chance = TIMES_BY_CHANCE * (1 - len(known) / len(train))
    shared = int(np.isin(_hash_split(validation), known).sum())
    if shared > by_chance * len(validation):
        yield (
            f"{shared:,} of {len(validation):,} {which} have the features of a training row; "
            "remove them, because a model may memorize them"
        )


def _hash_split(split: Split) -> Array:
    return np.concatenate([hash_rows(rows) for rows in iterate_blocks(split)])
