"""Regularizers: penalties on weights and activities."""

from __future__ import annotations

from seqjobs.tables._base import Argument, Entry, Table, snake_aliases, table_of
from seqjobs.tables.arguments import Nested, Number, OneOf, Optional

_FACTOR = Number(at_least=0)

_ENTRIES = table_of(
    (
        Entry("L1", "l1 * sum(abs(x))", {"l1": Argument(_FACTOR, 0.01)}, number="l1"),
        Entry("L2", "l2 * sum(x^2)", {"l2": Argument(_FACTOR, 0.01)}, number="l2"),
        Entry("L1L2", "both penalties", {"l1": Argument(_FACTOR, 0.0), "l2": Argument(_FACTOR, 0.0)}),
        Entry(
            "OrthogonalRegularizer",
            "pushes rows or columns of a matrix to be orthogonal",
            {"factor": Argument(_FACTOR, 0.01), "mode": Argument(OneOf(("rows", "columns")), "rows")},
            number="factor",
        ),
    )
)

REGULARIZERS = Table(name="regularizer", entries=_ENTRIES, aliases=snake_aliases(_ENTRIES, l1_l2="L1L2"))

REGULARIZER = Argument(Optional(Nested(REGULARIZERS)), None)
