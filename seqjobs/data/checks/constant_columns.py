"""Columns that are the same in all training rows, from which nothing can be learned."""

from __future__ import annotations

from collections.abc import Iterator

from seqjobs.data.checks.named import named
from seqjobs.data.dataset import Split
from seqjobs.data.layout import Layout

AT_ONCE = 4096


def constant_warnings(layout: Layout, train: Split) -> Iterator[str]:
    """One sentence for all of them."""
    if len(train) < 2:
        return
    rows = train.features.reshape(len(train), -1)
    found = []
    for column in layout.columns:
        part = rows[:, column.start : column.start + column.width]
        # Most columns differ within their first rows, and are not read further.
        if all((part[start : start + AT_ONCE] == part[0]).all() for start in range(0, len(part), AT_ONCE)):
            found.append(column.name)
    if found:
        yield f"{named(found)} the same in all {len(train):,} training rows: leave out what tells nothing"
