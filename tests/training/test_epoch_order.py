"""The order of an epoch's rows, whole and by the window."""

from __future__ import annotations

import numpy as np
import pytest

from seqjobs.data.streamed.window import Window
from seqjobs.training.epoch_order import WindowedOrder, epoch_order

WINDOW = Window(chunk_rows=10, chunks=4, block_bytes=1)


def order(rows: int, seed: int = 3, epoch: int = 0, shard: int = 0) -> WindowedOrder:
    return WindowedOrder(rows=rows, window=WINDOW, seed=seed, epoch=epoch, shard=shard)


@pytest.mark.parametrize("rows", [1, 9, 10, 39, 40, 41, 397, 400])
def test_every_row_comes_once(rows: int) -> None:
    assert sorted(order(rows)[:].tolist()) == list(range(rows))
    assert sorted(epoch_order(rows, 3, 0).tolist()) == list(range(rows))


@pytest.mark.parametrize("size", [1, 7, 40, 64])
def test_parts_are_those_of_the_whole(size: int) -> None:
    whole = order(397)[:]
    parts = [order(397)[start : start + size] for start in range(0, 397, size)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_window_holds_few_chunks_and_its_rows_are_mixed() -> None:
    whole = order(400)[:]
    for start in range(0, 400, 40):
        rows = whole[start : start + 40]
        assert len(set((rows // 10).tolist())) == 4
        assert np.abs(np.diff(rows // 10)).max() > 0
        assert len(set((rows[:10] // 10).tolist())) > 1
    assert set((whole[:40] // 10).tolist()) != {0, 1, 2, 3}


def test_it_hangs_on_seed_epoch_and_shard_alone() -> None:
    np.testing.assert_array_equal(order(397)[:], order(397)[:])
    for other in (order(397, seed=4), order(397, epoch=1), order(397, shard=1)):
        assert (other[:] != order(397)[:]).any()


def test_the_order_of_rows_in_memory_is_what_it_was() -> None:
    """Written down: with another one every result of every earlier run would be another."""
    assert epoch_order(8, 3, 0).tolist() == GOLDEN
    assert order(23)[:].tolist() == WINDOWED


GOLDEN = [6, 1, 5, 2, 7, 4, 3, 0]
WINDOWED = [13, 2, 1, 0, 5, 11, 20, 3, 22, 19, 18, 4, 6, 16, 17, 9, 14, 12, 8, 7, 21, 10, 15]
