"""Share: which rows of each batch one of several processes computes, and the order in which it reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from seqjobs.training.epoch_order import Indices, Order


@final
@dataclass(frozen=True, kw_only=True)
class Share:
    """Rows of a batch beside each other; where they do not spread evenly, the first processes have one more."""

    index: int
    """Which of the processes it is of."""
    workers: int
    batch_size: int
    """Rows of a whole batch, of all processes."""

    def part(self, rows: int) -> slice:
        """Its rows of a batch of so many."""
        each, more = divmod(rows, self.workers)
        start = self.index * each + min(self.index, more)
        return slice(start, start + self.count(rows))

    def count(self, rows: int) -> int:
        """How many rows of a batch of so many are its own."""
        each, more = divmod(rows, self.workers)
        return each + (self.index < more)

    def total(self, rows: int) -> int:
        """How many rows of an epoch of so many are its own."""
        full, rest = divmod(rows, self.batch_size)
        return full * self.count(self.batch_size) + self.count(rest)

    def shard(self, rows: int) -> slice:
        """So many rows beside each other that they are its own, if each process draws from such a shard alone."""
        full, rest = divmod(rows, self.batch_size)
        batch, last = self.part(self.batch_size), self.part(rest)
        return slice(full * batch.start + last.start, full * batch.stop + last.stop)


@final
@dataclass(frozen=True, kw_only=True)
class SharedOrder:
    """The rows that are a process's own, in the order that all have: its part of each batch, one behind the other."""

    order: Order
    share: Share

    def __len__(self) -> int:
        return self.share.total(len(self.order))

    def __getitem__(self, index: slice, /) -> Indices:
        places = self._places(*index.indices(len(self))[:2])
        if not len(places):
            return places
        found: Indices = self.order[int(places[0]) : int(places[-1]) + 1][places - places[0]]
        return found

    def _places(self, start: int, stop: int) -> Indices:
        """Where in the order its rows stand."""
        own = np.arange(start, stop)
        size = self.share.batch_size
        full, rest = divmod(len(self.order), size)
        part, last = self.share.part(size), self.share.part(rest)
        count = self.share.count(size)
        batch, row = np.divmod(own, count)
        in_last = full * (size - count) + last.start + own
        places: Indices = np.where(own < full * count, batch * size + part.start + row, in_last)
        return places


@final
@dataclass(frozen=True, kw_only=True)
class StoredOrder:
    """Rows as they are stored."""

    rows: int

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: slice, /) -> Indices:
        return np.arange(*index.indices(self.rows)[:2])
