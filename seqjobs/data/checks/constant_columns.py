"""Columns that are the same in all training rows, from which nothing can be learned."""

from __future__ import annotations

from collections.abc import Iterator

from seqjobs.data.checks.named import named
from seqjobs.data.dataset import Split
from seqjobs.data.layout import Layout


def constant_warnings(layout: Layout, train: Split) -> Iterator[str]:
    """One sentence for all of them."""
    if len(train) < 2:
        return
    rows = train.features.reshape(len(train), -1)
    found = []
    for column in layout.columns:
        part = rows[:, column.start : column.start + column.width]
        # Most columns differ within their first rows, and are not read further.
        if (part[:1000] == part[0]).all() and (part == part[0]).all():
            found.append(column.name)
    if found:
        yield f"{named(found)} the same in all {len(train):,} training rows: leave out what tells nothing"
