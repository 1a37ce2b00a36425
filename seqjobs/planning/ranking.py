"""What better means: sort keys of which the lowest is best, and the mean by which assignments are ranked."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seqjobs.jobspec.sections import ObjectiveSpec


def sort_key(value: float | None, objective: ObjectiveSpec) -> float:
    """Return a number that is lower for a better value; NaN and None come after every number."""
    if value is None or math.isnan(value):
        return math.inf
    return value if objective.direction == "minimize" else -value


def mean_of(values: Sequence[float]) -> float | None:
    """Return the mean of the values of an assignment's repeats, given in the order of the repeats; None for none.

    The order matters for the last bit, and two places compare these means.
    """
    # Not math.fsum, which raises if an infinity, or a sum beyond the largest float, is among the values.
    return sum(values) / len(values) if values else None
