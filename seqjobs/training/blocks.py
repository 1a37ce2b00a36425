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

    rows: int
    batch_size: int
    steps: int

    @classmethod
    def of(cls, rows: Rows, batch_size: int) -> BlockPlan:
        full = len(rows) // batch_size
        most = max(1, rows.block_bytes // (batch_size * rows.row_bytes))
        num_blocks = max(1, -(-full // most))
        return cls(rows=len(rows), batch_size=batch_size, steps=-(-full // num_blocks))

    @property
    def full(self) -> int:
        """Whole batches in an epoch."""
        return self.rows // self.batch_size

    @property
    def remainder(self) -> int:
        """Rows in the last, shorter batch; 0 where batches divide the rows."""
        return self.rows % self.batch_size


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows (steps * batch_size, ...) as they are stored, of which the first `steps` batches count."""

    rows: Batch
    steps: int


def epoch_blocks(rows: Rows, plan: BlockPlan, order: Order | None) -> Iterator[Block]:
    """The whole batches of an epoch. All blocks have one shape, so that one program serves them: the last is padded."""
    if plan.full == 0:
        return
    size = plan.steps * plan.batch_size
    for start in range(0, plan.full * plan.batch_size, size):
        # The last block repeats rows that fill it up; they do not count.
        stop = min(start + size, plan.full * plan.batch_size)
        index = np.resize(np.arange(start, stop), size) if order is None else np.resize(order[start:stop], size)
        yield Block(rows=rows.stored(index), steps=(stop - start) // plan.batch_size)


def remainder_rows(rows: Rows, plan: BlockPlan, order: Order | None) -> Batch:
    """The rows of the last, shorter batch."""
    start = plan.full * plan.batch_size
    return rows.stored(slice(start, None) if order is None else order[start:])
