"""Steps over several devices: each batch is spread over the replicas of a strategy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import keras
import tensorflow as tf

from seqjobs.training.graph_rows import Tensors
from seqjobs.training.replica_layers import WholeBatch
from seqjobs.training.steps import Steps


@final
@dataclass(frozen=True, kw_only=True)
class ReplicaSteps(Steps):
    """Steps whose numbers are those of one device with the same batches, also where rows do not spread evenly.

    No batch may have fewer rows than there are replicas. Where they are in several processes, each is given its share
    of the rows alone.
    """

    strategy: Any
    whole_batch: WholeBatch
    """At which the layers look."""
    last_batches: tuple[int, int] = (0, 0)
    """Rows of the last, shorter batch of training and of validation, of all processes; 0 where there is none."""

    def train_step(self, batch: Tensors) -> None:
        self._spread(self._train, batch, self.batch_size)

    def test_step(self, batch: Tensors) -> None:
        self._spread(self._test, batch, self.batch_size)

    def train_rest(self, rows: Tensors) -> Any:
        self._spread(self._train, self._ready(rows), self.last_batches[0])
        return tf.constant(True)

    def test_rest(self, rows: Tensors) -> None:
        self._spread(self._test, self._ready(rows), self.last_batches[1])

    @property
    def _batch_rows(self) -> int:
        return self.whole_batch.share.count(self.batch_size)

    def _train_batches(self, rows: Tensors) -> tuple[int, int]:
        return self._batches(rows, self.last_batches[0])

    def _test_batches(self, rows: Tensors) -> tuple[int, int]:
        return self._batches(rows, self.last_batches[1])

    def _batches(self, rows: Tensors, last_batch: int) -> tuple[int, int]:
        last = self.whole_batch.share.count(last_batch)
        return (rows[0].shape[0] - last) // self._batch_rows, last

    def _spread(self, step: Callable[[Tensors], None], batch: Tensors, rows: int) -> None:
        """A step over a batch of `rows`, of which those in `batch` are this process's own."""
        self.whole_batch.rows = rows

        def part_of(context: Any) -> Any:
            held = self.whole_batch.held(context.replica_id_in_sync_group)
            return tuple(part[held] for part in batch)

        self.strategy.run(step, (self.strategy.experimental_distribute_values_from_function(part_of),))

    def _train(self, part: Tensors) -> None:
        model = self.model
        with tf.GradientTape() as tape:
            predicted = model(part[0], training=True)
            loss = self._loss(part, predicted, training=True)
        gradients = tape.gradient(loss, model.trainable_weights)
        # Summed before the optimizer sees them: Keras's would clip the gradients of each replica.
        summed = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        model.optimizer.apply_gradients(zip(summed, model.trainable_weights, strict=True))
        self._count(part, predicted)

    def _test(self, part: Tensors) -> None:
        predicted = self.model(part[0], training=False)
        self._loss(part, predicted, training=False)
        self._count(part, predicted)

    def _loss(self, part: Tensors, predicted: Any, *, training: bool) -> Any:
        """The replica's part of the batch's loss, which is the sum of all of them; tells it to the metric."""
        features, target, *weights = part
        replicas, rows, here = self.whole_batch.replicas, self.whole_batch.rows, features.shape[0]
        # Keras divides by the replica's rows and by the replicas, and additional losses by the replicas alone.
        factor = here * replicas / rows
        weight = (
            weights[0] * tf.cast(factor, weights[0].dtype) if weights else tf.fill([here], tf.cast(factor, "float32"))
        )
        # Penalties on outputs, which layers divide by the replica's rows; those on weights are elsewhere.
        for layer in self.model._flatten_layers():
            layer._losses[:] = [penalty * factor for penalty in layer._losses]
        loss = self.model.compute_loss(features, target, predicted, weight, training=training)
        self.model._loss_tracker.update_state(loss * replicas, sample_weight=rows / replicas)
        return loss

    def _count(self, part: Tensors, predicted: Any) -> None:
        features, target, *weights = part
        self.model.compute_metrics(features, target, predicted, weights[0] if weights else None)


def takes_summed_gradients(optimizer: keras.optimizers.Optimizer) -> None:
    """Has the optimizer leave out its own sum over replicas."""
    optimizer._all_reduce_sum_gradients = list
