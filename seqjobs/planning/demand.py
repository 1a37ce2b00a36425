"""Demand: how many packs want which resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources


def demand_of(plan: Plan) -> Mapping[Resources, int]:
    """Resources -> packs, in the order in which they are wanted."""
    return Counter(pack.resources for pack in plan.packs)
