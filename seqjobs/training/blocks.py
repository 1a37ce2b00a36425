"""Blocks: the rows of an epoch in their order, gathered a bounded number of bytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seqjobs.training.epoch_order import Order
from seqjobs.training.rows import Batch, Rows


@dataclass(frozen=True, kw_only=True)
class BlockPlan:
    """How an epoch is cut: into blocks of `steps` whole batches, of which the last may hold fewer, and a remainder.

    Depends on the data and the batch size alone, never on the machine: the last bits of a result hang on it.
    """

    full: int
    """Whole batches in an epoch."""
    remainder: int
    """Rows in the last, shorter batch, of all processes; 0 where batches divide the rows."""
    batch_rows: int
    """Rows of a whole batch that are this process's own."""
    steps: int

    @classmethod
    def of(cls, rows: Rows, batch_size: int) -> BlockPlan:
        full, remainder = divmod(len(rows), batch_size)
        most = max(1, rows.block_bytes // (batch_size * rows.row_bytes))
        num_blocks = max(1, -(-full // most))
        own = batch_size if rows.share is None else rows.share.count(batch_size)
        return cls(full=full, remainder=remainder, batch_rows=own, steps=-(-full // num_blocks))


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows (steps * batch_rows, ...) as they are stored, of which the first `steps` batches count."""

    rows: Batch
    steps: int


def epoch_blocks(rows: Rows, plan: BlockPlan, order: Order | None) -> Iterator[Block]:
    """The whole batches of an epoch. All blocks have one shape, so that one program serves them: the last is padded."""
    if plan.full == 0:
        return
    size = plan.steps * plan.batch_rows
    for start in range(0, plan.full * plan.batch_rows, size):
        # The last block repeats rows that fill it up; they do not count.
        stop = min(start + size, plan.full * plan.batch_rows)
        index = np.resize(np.arange(start, stop), size) if order is None else np.resize(order[start:stop], size)
        yield Block(rows=rows.stored(index), steps=(stop - start) // plan.batch_rows)


def remainder_rows(rows: Rows, plan: BlockPlan, order: Order | None) -> Batch:
    """The rows of the last, shorter batch."""
    start = plan.full * plan.batch_rows
    return rows.stored(slice(start, None) if order is None else order[start:])
