"""What better means: a value of an objective as a number of which the lowest is best."""

from __future__ import annotations

import math

from seqjobs.spec.sections import ObjectiveSpec


def sort_key(value: float | None, objective: ObjectiveSpec) -> float:
    """Lower is better; a value that is no number comes behind every number."""
    if value is None or math.isnan(value):
        return math.inf
    return value if objective.direction == "minimize" else -value
