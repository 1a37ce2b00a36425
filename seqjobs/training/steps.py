"""Steps: Keras's own `train_step` and `test_step` over batches that lie in one tensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from seqjobs.training.graph_rows import Tensors, batch_at, ready
from seqjobs.training.rows import Form

Step = Callable[[Tensors], Any]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What compiled functions are made of; the methods are traced into them."""

    model: keras.Sequential
    form: Form
    batch_size: int

    def train_pass(self, rows: Tensors, *, stop_at_nan: bool) -> Any:
        """Trains once on all rows; returns the metrics of the pass."""
        self.model.reset_metrics()
        full, remainder = self._train_batches(rows)
        goes_on = self.train_block(rows, full, stop_at_nan=stop_at_nan) if full else tf.constant(True)
        if remainder:
            last = tuple(part[-remainder:] for part in rows)
            if stop_at_nan:
                tf.cond(goes_on, lambda: self.train_rest(last), lambda: tf.constant(False))
            else:
                self.train_rest(last)
        return self.metrics()

    def test_pass(self, rows: Tensors) -> Any:
        """Evaluates all rows; returns the metrics."""
        self.model.reset_metrics()
        full, remainder = self._test_batches(rows)
        if full:
            self.test_block(rows, full)
        if remainder:
            self.test_rest(tuple(part[-remainder:] for part in rows))
        return self.metrics()

    def train_block(self, rows: Tensors, steps: Any, *, stop_at_nan: bool) -> Any:
        """Trains on the first `steps` batches of the rows; returns whether to go on."""
        self._scan(self.train_step, rows, steps, stop_at_nan=stop_at_nan)
        return self._loss_is_finite() if stop_at_nan else tf.constant(True)

    def train_rest(self, rows: Tensors) -> Any:
        """Trains on all rows as one batch: the shorter one at the end of an epoch."""
        self.train_step(self._ready(rows))
        return tf.constant(True)

    def test_block(self, rows: Tensors, steps: Any) -> None:
        self._scan(self.test_step, rows, steps, stop_at_nan=False)

    def test_rest(self, rows: Tensors) -> None:
        self.test_step(self._ready(rows))

    def train_step(self, batch: Tensors) -> None:
        """Trains on a batch that is ready."""
        self.model.train_step(batch)

    def test_step(self, batch: Tensors) -> None:
        """Evaluates a batch that is ready."""
        self.model.test_step(batch)

    def metrics(self) -> Any:
        """The metrics since they were reset, (metrics,) float32, in the order of `get_metrics_result`."""
        return tf.stack([tf.cast(value, tf.float32) for value in self.model.get_metrics_result().values()])

    def _loss_is_finite(self) -> Any:
        return tf.math.is_finite(self.model.get_metrics_result()["loss"])

    def _scan(self, step: Step, rows: Tensors, steps: Any, *, stop_at_nan: bool) -> None:
        def goes_on(index: Any) -> Any:
            left = index < steps
            return tf.logical_and(left, self._loss_is_finite()) if stop_at_nan else left

        def body(index: Any) -> Any:
            step(self._ready(batch_at(rows, index, self._batch_rows)))
            return [index + 1]

        # Without the limit iterations overlap, and a step reads weights that the one before has not written yet.
        tf.while_loop(goes_on, body, [tf.constant(0)], parallel_iterations=1)

    @property
    def _batch_rows(self) -> int:
        """Rows of a whole batch that are here."""
        return self.batch_size

    def _train_batches(self, rows: Tensors) -> tuple[int, int]:
        """Whole batches of a pass, and the rows that are here of a shorter last one."""
        full, remainder = divmod(rows[0].shape[0], self.batch_size)
        return full, remainder

    def _test_batches(self, rows: Tensors) -> tuple[int, int]:
        return self._train_batches(rows)

    def _ready(self, rows: Tensors) -> Tensors:
        return ready(rows, self.form)
