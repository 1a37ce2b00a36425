"""Batches for Keras's own `fit`: rows in the order of an epoch, made ready as a batch is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import tensorflow as tf

from seqjobs.training.rows import Batch, Rows


def in_order(rows: Rows, size: int) -> Iterator[Batch]:
    for start in range(0, len(rows), size):
        yield rows.ready(slice(start, start + size))


def in_epoch_order(rows: Rows, size: int, seed: int, epoch: int) -> Iterator[Batch]:
    order = rows.order(seed, epoch)
    for start in range(0, len(order), size):
        yield rows.ready(order[start : start + size])


def as_dataset(rows: Rows, size: int, generate: Callable[[], Iterator[Batch]]) -> tf.data.Dataset:
    """One epoch for `fit`, which calls `generate` anew for each."""
    parts = rows.ready(slice(0, 1))
    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in parts)
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(2)
    return dataset.apply(tf.data.experimental.assert_cardinality(-(-len(rows) // size)))
