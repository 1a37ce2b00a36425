"""Rows: those that a trial trains or validates on, and what is done to them before a model takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from seqjobs.data.dataset import Array, Dataset, Split
from seqjobs.data.split_rows import split_rows
from seqjobs.data.streamed.stored_rows import StoredRows
from seqjobs.data.weights import training_weights
from seqjobs.errors.problems import Problems
from seqjobs.jobspec.model_check import needs_integer, needs_one_hot
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.jobspec.shapes import check_model
from seqjobs.training.epoch_order import Order, WindowedOrder, epoch_order
from seqjobs.training.share import Share, SharedOrder, StoredOrder

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
    """Rows as they are stored, with their form.

    With a `share` orders are of the rows that are this process's own, of which `stored` gives rows.
    """

    split: Split
    form: Form
    weights: Array | None = None
    """How much each row counts, (rows,) float32."""
    share: Share | None = None
    all_rows: int | None = None
    """How many rows all processes have together, where `split` is a shard of them."""

    def __len__(self) -> int:
        return len(self.split) if self.all_rows is None else self.all_rows

    @property
    def block_bytes(self) -> int:
        """What one block holds at most; of streamed rows by `data.memory`."""
        stored: object = self.split.features
        return min(BLOCK_BYTES, stored.window.block_bytes) if isinstance(stored, StoredRows) else BLOCK_BYTES

    def order(self, seed: int, epoch: int) -> Order:
        """The order of an epoch: of streamed rows by the window."""
        stored: object = self.split.features
        if not isinstance(stored, StoredRows):
            return self._own(epoch_order(len(self), seed, epoch))
        shard = 0 if self.share is None else self.share.index
        return WindowedOrder(rows=len(self.split), window=stored.window, seed=seed, epoch=epoch, shard=shard)

    def stored_order(self) -> Order | None:
        """Rows as they are stored: None for all of `split`."""
        return None if self.share is None or self.all_rows is not None else self._own(StoredOrder(rows=len(self)))

    def _own(self, order: Order) -> Order:
        return order if self.share is None else SharedOrder(order=order, share=self.share)

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


def training_rows(trial: TrialSpec, dataset: Dataset, share: Share | None = None) -> Rows:
    """The rows that are trained on: all of the training split, or all but its last `validation_split`.

    With a `share`, streamed rows that are shuffled are its shard of them.
    """
    split = dataset.train.part(slice(0, _num_trained(trial, dataset)))
    rows = _rows(trial, dataset, split, training_weights(trial, split, dataset.classes), share)
    return _shard(rows) if trial.fit.shuffle else rows


def validation_rows(trial: TrialSpec, dataset: Dataset, share: Share | None = None) -> Rows | None:
    """The rows that are validated on, if any; of streamed rows those of a shard, where there is a `share`."""
    if dataset.validation is not None:
        return _shard(_rows(trial, dataset, dataset.validation, dataset.validation.weight, share))
    if trial.fit.validation_split == 0:
        return None
    split = dataset.train.part(slice(_num_trained(trial, dataset), None))
    return _shard(_rows(trial, dataset, split, split.weight, share))


def _shard(rows: Rows) -> Rows:
    """Of streamed rows a share's shard: so a process reads from the file what it computes, and no more."""
    stored: object = rows.split.features
    if rows.share is None or not isinstance(stored, StoredRows):
        return rows
    part = rows.share.shard(len(rows))
    weights = None if rows.weights is None else rows.weights[part]
    return replace(rows, split=rows.split.part(part), weights=weights, all_rows=len(rows))


def _num_trained(trial: TrialSpec, dataset: Dataset) -> int:
    return split_rows(len(dataset.train), trial.fit.validation_split)


def _one_hot_length(trial: TrialSpec, dataset: Dataset) -> int | None:
    """Return the number of the model's outputs, which may be more than the classes that a target of integers shows."""
    if dataset.num_classes is None or dataset.schema.target_kind != "integer":
        return dataset.num_classes
    output = check_model(trial.model, dataset.schema.feature_shape, ("model",), Problems())
    return max(dataset.num_classes, (output[-1] if output else None) or 0)


def _rows(trial: TrialSpec, dataset: Dataset, split: Split, weights: Array | None, share: Share | None) -> Rows:
    loss = trial.compile.loss
    form = Form(
        scale=dataset.scale,
        num_classes=_one_hot_length(trial, dataset) if needs_one_hot(loss) else None,
        integer=needs_integer(loss),
    )
    return Rows(split=split, form=form, weights=weights, share=share)
