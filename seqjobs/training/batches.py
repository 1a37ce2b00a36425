"""Batches: rows in the order of an epoch, turned into what a model takes only when a batch is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from seqjobs.data.dataset import Array, Dataset, Split, split_rows
from seqjobs.spec.model_check import needs_integer, needs_one_hot
from seqjobs.spec.sections import TrialSpec

Batch = tuple[Array, Array]


def epoch_order(rows: int, seed: int, epoch: int) -> npt.NDArray[np.intp]:
    """The permutation of an epoch: out of (seed, epoch) alone, so that a trial can go on at any epoch.

    Sorts raw Philox bits, which NumPy keeps stable; its `permutation` may change between versions (NEP 19).
    """
    return np.argsort(np.random.Philox(key=[seed, epoch]).random_raw(rows), kind="stable")


@dataclass(frozen=True, kw_only=True)
class Batches:
    """A split cut into batches for one trial."""

    split: Split
    scale: Array | None
    one_hot: int | None
    """The number of classes where the loss takes a vector for a class."""
    integer: bool
    """Whether the loss takes class indices."""
    size: int

    @property
    def per_epoch(self) -> int:
        return -(-len(self.split) // self.size)

    def rows(self, index: Any) -> Batch:
        """Features (n, *shape) float32, scaled; target as the loss takes it."""
        features = self.split.features[index].astype(np.float32)
        if self.scale is not None:
            features *= self.scale
        target = self.split.target[index]
        if self.one_hot is not None:
            return features, np.eye(self.one_hot, dtype=np.float32)[target]
        return features, target if self.integer else target.astype(np.float32)

    def in_order(self) -> Iterator[Batch]:
        for start in range(0, len(self.split), self.size):
            yield self.rows(slice(start, start + self.size))

    def in_epoch_order(self, seed: int, epoch: int) -> Iterator[Batch]:
        order = epoch_order(len(self.split), seed, epoch)
        for start in range(0, len(order), self.size):
            yield self.rows(order[start : start + self.size])

    def dataset(self, generate: Callable[[], Iterator[Batch]]) -> tf.data.Dataset:
        """One epoch for Keras's `fit`, which calls `generate` anew for each."""
        features, target = self.rows(slice(0, 1))
        signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in (features, target))
        dataset = tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(2)
        return dataset.apply(tf.data.experimental.assert_cardinality(self.per_epoch))


def training_batches(trial: TrialSpec, dataset: Dataset) -> Batches:
    """The rows that are trained on: all of the training split, or all but its last `validation_split`."""
    rows = split_rows(len(dataset.train), trial.fit.validation_split)
    return _batches(trial, dataset, _part(dataset.train, slice(0, rows)))


def validation_batches(trial: TrialSpec, dataset: Dataset) -> Batches | None:
    """The rows that are validated on, if any."""
    if dataset.validation is not None:
        return _batches(trial, dataset, dataset.validation)
    if trial.fit.validation_split == 0:
        return None
    rows = split_rows(len(dataset.train), trial.fit.validation_split)
    return _batches(trial, dataset, _part(dataset.train, slice(rows, None)))


def _part(split: Split, rows: slice) -> Split:
    return Split(features=split.features[rows], target=split.target[rows])


def _batches(trial: TrialSpec, dataset: Dataset, split: Split) -> Batches:
    loss = trial.compile.loss
    return Batches(
        split=split,
        scale=dataset.scale,
        one_hot=dataset.num_classes if needs_one_hot(loss) else None,
        integer=needs_integer(loss),
        size=trial.fit.batch_size,
    )
