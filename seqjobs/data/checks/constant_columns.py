"""Columns that are the same in all training rows, from which nothing can be learned."""

from __future__ import annotations

from collections.abc import Iterator

from seqjobs.data.checks.named import named
from seqjobs.data.checks.seen_rows import in_parts
from seqjobs.data.dataset import Array, Split
from seqjobs.data.layout import FeatureColumn, Layout


def constant_warnings(layout: Layout, train: Split) -> Iterator[str]:
    """One sentence for all of them."""
    if len(train) < 2:
        return
    first = train.features[:1].reshape(-1)
    alike = list(layout.columns)
    for rows in in_parts(train):
        alike = [column for column in alike if _is_alike(column, rows, first)]
        # Most columns differ within their first rows, and are not read further.
        if not alike:
            return
    columns = named([column.name for column in alike])
    yield f"{columns} the same in all {len(train):,} training rows: leave out what tells nothing"


def _is_alike(column: FeatureColumn, rows: Array, first: Array) -> bool:
    places = slice(column.start, column.start + column.width)
    return bool((rows[:, places] == first[places]).all())
