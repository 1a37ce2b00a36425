"""Blocks: the rows of an epoch in their order, gathered a bounded number of bytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seqjobs.training.rows import Batch, Rows

# What one block holds at most. Small enough that a worker's memory does not depend on the data, large enough that
# what a call costs (0.06 ms, and the copy of the rows) is nothing beside the steps in it.
BLOCK_BYTES = 64 * 2**20


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
        most = max(1, BLOCK_BYTES // (batch_size * rows.row_bytes))
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


def epoch_blocks(rows: Rows, plan: BlockPlan, order: npt.NDArray[np.intp] | None) -> Iterator[Block]:
    """The whole batches of an epoch. All blocks have one shape, so that one program serves them: the last is padded."""
    if plan.full == 0:
        return
    size = plan.steps * plan.batch_size
    for start in range(0, plan.full * plan.batch_size, size):
        # The last block repeats rows that fill it up; they do not count.
        stop = min(start + size, plan.full * plan.batch_size)
        index = np.resize(np.arange(start, stop), size) if order is None else np.resize(order[start:stop], size)
        yield Block(rows=rows.stored(index), steps=(stop - start) // plan.batch_size)


def remainder_rows(rows: Rows, plan: BlockPlan, order: npt.NDArray[np.intp] | None) -> Batch:
    """The rows of the last, shorter batch."""
    start = plan.full * plan.batch_size
    return rows.stored(slice(start, None) if order is None else order[start:])
