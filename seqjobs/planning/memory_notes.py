"""note_large_batches: jobs whose batches need more memory than is free."""

from __future__ import annotations

from collections.abc import Mapping

from seqjobs.data.dataset import DataSchema
from seqjobs.planning.plan import Plan
from seqjobs.planning.training_memory import TrainingMemory, training_memory


def note_large_batches(plan: Plan, schemas: Mapping[str, DataSchema], free: int) -> tuple[str, ...]:
    """Return a sentence for each job of which a trial needs more memory than the `free` bytes of this machine."""
    largest: dict[str, TrainingMemory] = {}
    seen: set[tuple[str, str, int]] = set()
    for pack in plan.packs:
        job = pack.trials[0].job
        # Packs of one template have one model and batch size; there may be thousands of them.
        key = (job, pack.template.key, pack.size)
        if key in seen:
            continue
        seen.add(key)
        schema = schemas[pack.dataset]
        memory = training_memory(pack, schema.feature_shape, schema.train_rows)
        if memory.num_bytes > free and (job not in largest or memory.num_bytes > largest[job].num_bytes):
            largest[job] = memory
    return tuple(
        f"job '{name}': {memory}, but only {free / 2**30:,.1f} GiB are free on this machine. Lower fit.batch_size, or "
        "make the model smaller"
        for name, memory in largest.items()
    )
