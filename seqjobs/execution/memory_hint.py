"""with_memory_hint: why a worker that died probably ran out of memory."""

from __future__ import annotations

from dataclasses import replace

from seqjobs.data.dataset import DataSchema
from seqjobs.data.free_memory import free_bytes
from seqjobs.execution.events import AttemptLost
from seqjobs.planning.training_memory import training_memory
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import Cause

# The kernel ends the process that takes the last memory, and Ray then only knows that its connection ended.
_DEATHS = frozenset({Cause.CRASH, Cause.OUT_OF_MEMORY})
# What a pack needs in addition to the estimate is about as much again.
_SHARE_OF_FREE = 0.5


def with_memory_hint(event: AttemptLost, pack: Pack, schema: DataSchema) -> AttemptLost:
    """Return the event; if its pack needs much of the free memory, its failure says how much, and of what."""
    if event.failure.cause not in _DEATHS:
        return event
    memory, free = training_memory(pack, schema.feature_shape, schema.train_rows), free_bytes()
    if memory.num_bytes <= free * _SHARE_OF_FREE:
        return event
    what = f"{event.failure.message}; it probably ran out of memory: {memory}, and {free / 2**30:,.1f} GiB are free"
    message = f"{what}. Lower fit.batch_size, or make the model smaller"
    return replace(event, failure=replace(event.failure, message=message))
