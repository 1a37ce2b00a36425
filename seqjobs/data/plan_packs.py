"""The packs of a plan, once the shape of its data is known."""

from __future__ import annotations

from collections.abc import Mapping

from seqjobs.data.dataset import DataSchema
from seqjobs.planning.packing import packed
from seqjobs.planning.plan import Plan


def pack_plan(plan: Plan, schemas: Mapping[str, DataSchema]) -> Plan:
    """The plan with trials that can train together in packs; schemas are by dataset id. Its models fit its data."""
    shapes = {dataset_id: schema.feature_shape for dataset_id, schema in schemas.items()}
    return packed(plan, shapes, {dataset_id: schema.train_rows for dataset_id, schema in schemas.items()})
