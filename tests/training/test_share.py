"""What of each batch a process of several has, and where it finds it."""

from __future__ import annotations

import numpy as np
import pytest

from seqjobs.training.epoch_order import epoch_order
from seqjobs.training.share import Share, SharedOrder, StoredOrder

# Rows, rows of a batch, processes: even, with a last batch that spreads as the others do, and in no way even.
SIZES = [(64, 16, 2), (203, 29, 2), (68, 9, 2), (50, 9, 4), (7, 9, 3), (100, 7, 7)]


def shares(batch_size: int, workers: int) -> list[Share]:
    return [Share(index=index, workers=workers, batch_size=batch_size) for index in range(workers)]


@pytest.mark.parametrize(("rows", "batch_size", "workers"), SIZES)
def test_the_parts_of_a_batch_are_the_batch(rows: int, batch_size: int, workers: int) -> None:
    order = epoch_order(rows, 3, 0)
    own = [SharedOrder(order=order, share=share) for share in shares(batch_size, workers)]
    assert [len(part) for part in own] == [len(part[:]) for part in own]
    starts = [0] * workers
    for start in range(0, rows, batch_size):
        batch = order[start : start + batch_size]
        parts = []
        for index, share in enumerate(shares(batch_size, workers)):
            count = share.count(len(batch))
            parts.append(own[index][starts[index] : starts[index] + count])
            assert len(parts[-1]) == count
            starts[index] += count
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        np.testing.assert_array_equal(np.concatenate(parts), batch)
    assert starts == [len(part) for part in own]


@pytest.mark.parametrize("size", [1, 4, 13, 60])
def test_slices_are_those_of_the_whole(size: int) -> None:
    for share in shares(9, 4):
        order = SharedOrder(order=StoredOrder(rows=203), share=share)
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        np.testing.assert_array_equal(np.concatenate(parts), order[:])
    assert len(order[len(order) :]) == 0


@pytest.mark.parametrize(("rows", "batch_size", "workers"), SIZES)
def test_shards_are_as_long_as_what_their_processes_compute(rows: int, batch_size: int, workers: int) -> None:
    found = [share.shard(rows) for share in shares(batch_size, workers)]
    assert [shard.stop - shard.start for shard in found] == [share.total(rows) for share in shares(batch_size, workers)]
    assert [row for shard in found for row in range(shard.start, shard.stop)] == list(range(rows))
