"""Epochs: all steps of an epoch, and its validation, inside compiled functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from seqjobs.planning.compile_rule import Compilation
from seqjobs.training.ahead import ahead
from seqjobs.training.blocks import BlockPlan, epoch_blocks, remainder_rows
from seqjobs.training.compiled import Compiled
from seqjobs.training.epoch_order import Order
from seqjobs.training.graph_rows import Tensors
from seqjobs.training.rows import Batch, Rows
from seqjobs.training.steps import Steps

Watch = Callable[[], None]
"""Called between two calls of compiled functions; what it raises ends the epoch."""


class Epochs(Protocol):
    """The epochs of a trial or a pack. Steps, their order and the metrics are those of Keras's `fit` and `evaluate`."""

    def run(self, order: Order | None, watch: Watch) -> npt.NDArray[np.float32]:
        """Trains for one epoch and validates; without an order rows come as they are held.

        Returns the metrics in the order of `model.get_metrics_result()`, behind them those of the validation: of a
        pack, (metrics, members).
        """


class Functions(Protocol):
    """The functions that epochs are made of; those that return metrics have them along the first axis."""

    @property
    def batch_size(self) -> int: ...

    @property
    def stop_at_nan(self) -> bool:
        """Whether `train_block` says when to train no further."""

    @property
    def begin(self) -> Callable[[], Any]: ...

    @property
    def train_pass(self) -> Callable[[Tensors], Any]: ...

    @property
    def both_passes(self) -> Callable[[Tensors, Tensors], Any]: ...

    @property
    def train_block(self) -> Callable[[Tensors, Tensors], Any]: ...

    @property
    def train_rest(self) -> Callable[[Tensors], Any]: ...

    @property
    def test_block(self) -> Callable[[Tensors, Tensors], Any]: ...

    @property
    def test_rest(self) -> Callable[[Tensors], Any]: ...

    @property
    def metrics(self) -> Callable[[], Any]: ...


def epochs_of(functions: Functions, training: Rows, validation: Rows | None) -> Epochs:
    """The epochs over these rows: one call each if all of them fit into a block, else a call a block."""
    used = [training] if validation is None else [training, validation]
    if sum(len(rows) * rows.row_bytes for rows in used) <= min(rows.block_bytes for rows in used):
        held = None if validation is None else _tensors(_all_of(validation, validation.stored_order()))
        return _WholeEpochs(functions=functions, training=training, validation=held)
    return _BlockedEpochs(functions=functions, training=training, validation=validation)


@final
class EpochFunctions:
    """The compiled functions of a program.

    `stop_at_nan` ends the training of an epoch behind the batch at which the loss stopped being finite.
    """

    def __init__(self, steps: Steps, compilation: Compilation, *, stop_at_nan: bool) -> None:
        def train_pass(rows: Tensors) -> Any:
            return steps.train_pass(rows, stop_at_nan=stop_at_nan)

        def train_block(rows: Tensors, num_steps: Tensors) -> Any:
            return steps.train_block(rows, num_steps[0], stop_at_nan=stop_at_nan)

        def test_block(rows: Tensors, num_steps: Tensors) -> None:
            steps.test_block(rows, num_steps[0])

        def both_passes(training: Tensors, validation: Tensors) -> Any:
            return tf.concat([train_pass(training), steps.test_pass(validation)], axis=0)

        self.batch_size = steps.batch_size
        self.stop_at_nan = stop_at_nan
        self.begin = Compiled(steps.model.reset_metrics, compilation)
        self.train_pass = Compiled(train_pass, compilation)
        self.both_passes = Compiled(both_passes, compilation)
        self.train_block = Compiled(train_block, compilation)
        self.train_rest = Compiled(steps.train_rest, compilation)
        self.test_block = Compiled(test_block, compilation)
        self.test_rest = Compiled(steps.test_rest, compilation)
        self.metrics = Compiled(steps.metrics, compilation)


@final
@dataclass(frozen=True, kw_only=True)
class _WholeEpochs:
    functions: Functions
    training: Rows
    validation: Tensors | None

    def run(self, order: Order | None, watch: Watch) -> npt.NDArray[np.float32]:
        watch()
        rows = _tensors(_all_of(self.training, order))
        if self.validation is None:
            return _array(self.functions.train_pass(rows))
        return _array(self.functions.both_passes(rows, self.validation))


@final
@dataclass(frozen=True, kw_only=True)
class _BlockedEpochs:
    functions: Functions
    training: Rows
    validation: Rows | None

    def run(self, order: Order | None, watch: Watch) -> npt.NDArray[np.float32]:
        trained = self._train(order, watch)
        return trained if self.validation is None else np.concatenate([trained, self._test(self.validation, watch)])

    def _train(self, order: Order | None, watch: Watch) -> npt.NDArray[np.float32]:
        plan = BlockPlan.of(self.training, self.functions.batch_size)
        self.functions.begin()
        goes_on = True
        with ahead(epoch_blocks(self.training, plan, order)) as blocks:
            for block in blocks:
                watch()
                on = self.functions.train_block(_tensors(block.rows), (tf.constant(block.steps),))
                goes_on = not self.functions.stop_at_nan or bool(on)
                if not goes_on:
                    break
        if plan.remainder and goes_on:
            self.functions.train_rest(_tensors(remainder_rows(self.training, plan, order)))
        return _array(self.functions.metrics())

    def _test(self, validation: Rows, watch: Watch) -> npt.NDArray[np.float32]:
        plan = BlockPlan.of(validation, self.functions.batch_size)
        order = validation.stored_order()
        self.functions.begin()
        with ahead(epoch_blocks(validation, plan, order)) as blocks:
            for block in blocks:
                watch()
                self.functions.test_block(_tensors(block.rows), (tf.constant(block.steps),))
        if plan.remainder:
            self.functions.test_rest(_tensors(remainder_rows(validation, plan, order)))
        return _array(self.functions.metrics())


def _all_of(rows: Rows, order: Order | None) -> Batch:
    return rows.stored(slice(None) if order is None else order[:])


def _tensors(rows: Batch) -> Tensors:
    return tuple(tf.constant(part) for part in rows)


def _array(values: Any) -> npt.NDArray[np.float32]:
    return np.asarray(values.numpy(), dtype=np.float32)
