"""Rows: those that a trial trains or validates on, and what is done to them before a model takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqjobs.data.dataset import Array, Dataset, Split, split_rows
from seqjobs.data.streamed.stored_rows import StoredRows
from seqjobs.data.weights import training_weights
from seqjobs.spec.model_check import needs_integer, needs_one_hot
from seqjobs.spec.sections import TrialSpec
from seqjobs.training.epoch_order import Order, WindowedOrder, epoch_order

# What one block holds at most. Small enough that a worker's memory does not depend on the data, large enough that
# what a call costs (0.06 ms, and the copy of the rows) is nothing beside the steps in it.
BLOCK_BYTES = 64 * 2**20

Batch = tuple[Array, ...]
"""Features (n, *shape), target (n,) and, where rows have them, weights (n,)."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """How stored values become what a model takes."""

    scale: Array | None
    """Factors of the features, which are multiplied as float32."""
    num_classes: int | None
    """The length of a one-hot vector, where the loss takes one for a class."""
    integer: bool
    """Whether the loss takes class indices."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows as they are stored, with their form."""

    split: Split
    form: Form
    weights: Array | None = None
    """How much each row counts, (rows,) float32."""

    def __len__(self) -> int:
        return len(self.split)

    @property
    def block_bytes(self) -> int:
        """What one block holds at most; of streamed rows by `data.memory`."""
        stored: object = self.split.features
        return min(BLOCK_BYTES, stored.window.block_bytes) if isinstance(stored, StoredRows) else BLOCK_BYTES

    def order(self, seed: int, epoch: int) -> Order:
        """The order of an epoch: of streamed rows by the window."""
        stored: object = self.split.features
        if isinstance(stored, StoredRows):
            return WindowedOrder(rows=len(self), window=stored.window, seed=seed, epoch=epoch)
        return epoch_order(len(self), seed, epoch)

    @property
    def row_bytes(self) -> int:
        """Of the largest form that a row has on its way into a model's steps: as it is stored."""
        return max(1, sum(part[:1].nbytes for part in self.stored(slice(0, 1))))

    def stored(self, index: slice | Array) -> Batch:
        """Rows as they are stored."""
        parts = (self.split.features[index], self.split.target[index])
        return parts if self.weights is None else (*parts, self.weights[index])

    def ready(self, index: slice | Array) -> Batch:
        """Rows as a model takes them: features scaled, in float32; the target as its loss wants it."""
        stored, target, *weights = self.stored(index)
        features = stored.astype(np.float32)
        if self.form.scale is not None:
            features *= self.form.scale
        if self.form.num_classes is not None:
            target = np.eye(self.form.num_classes, dtype=np.float32)[target]
        elif not self.form.integer:
            target = target.astype(np.float32)
        return (features, target, *weights)


def training_rows(trial: TrialSpec, dataset: Dataset) -> Rows:
    """The rows that are trained on: all of the training split, or all but its last `validation_split`."""
    split = dataset.train.part(slice(0, _num_trained(trial, dataset)))
    return _rows(trial, dataset, split, training_weights(trial, split, dataset.classes))


def validation_rows(trial: TrialSpec, dataset: Dataset) -> Rows | None:
    """The rows that are validated on, if any."""
    if dataset.validation is not None:
        return _rows(trial, dataset, dataset.validation, dataset.validation.weight)
    if trial.fit.validation_split == 0:
        return None
    split = dataset.train.part(slice(_num_trained(trial, dataset), None))
    return _rows(trial, dataset, split, split.weight)


def _num_trained(trial: TrialSpec, dataset: Dataset) -> int:
    return split_rows(len(dataset.train), trial.fit.validation_split)


def _rows(trial: TrialSpec, dataset: Dataset, split: Split, weights: Array | None) -> Rows:
    loss = trial.compile.loss
    form = Form(
        scale=dataset.scale,
        num_classes=dataset.num_classes if needs_one_hot(loss) else None,
        integer=needs_integer(loss),
    )
    return Rows(split=split, form=form, weights=weights)
