"""check_rows: what is suspicious in decoded rows, as sentences; nothing of it keeps a run from training."""

from __future__ import annotations

from seqjobs.data.checks.class_counts import class_warnings
from seqjobs.data.checks.constant_columns import constant_warnings
from seqjobs.data.checks.leaks import leak_warnings
from seqjobs.data.checks.shared_rows import shared_row_warnings
from seqjobs.data.dataset import Split
from seqjobs.data.layout import Layout

__all__ = ["check_rows"]


def check_rows(
    layout: Layout, train: Split, validation: Split | None, classes: tuple[str, ...] | None, num_classes: int | None
) -> tuple[str, ...]:
    """Warnings, a sentence each without its full stop."""
    found = [
        *leak_warnings(layout, train, num_classes),
        *constant_warnings(layout, train),
        *class_warnings(layout.target, train, classes, num_classes),
    ]
    if validation is not None:
        found += shared_row_warnings(train, validation)
    return tuple(found)
