"""A trial in a process that stays: rows are read and TensorFlow is set up once; a module, so that it can be pickled."""

from __future__ import annotations

import functools
from pathlib import Path

from tests.benchmarks.peers._base import train
from tests.benchmarks.rows import Rows, read_rows, read_workload


def held_trial(folder: Path, learning_rate: float, seed: int) -> float:
    """Trains one trial on one thread; returns its last `val_loss`."""
    return train(read_workload(folder), _held_rows(folder), learning_rate=learning_rate, seed=seed)


@functools.cache
def _held_rows(folder: Path) -> Rows:
    import tensorflow as tf  # noqa: PLC0415 (only where trials are trained)

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return read_rows(read_workload(folder), folder)
