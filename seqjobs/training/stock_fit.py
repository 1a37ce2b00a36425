"""Fits one trial with Keras's own `fit`: the reference for what a program does many times faster."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from seqjobs.data.dataset import Dataset
from seqjobs.planning.trial import Trial
from seqjobs.training.batches import as_dataset, in_epoch_order, in_order
from seqjobs.training.checkpoint import Stopped
from seqjobs.training.fitting import Fitting, Watcher
from seqjobs.training.model import build_model, forget_models
from seqjobs.training.outcome import EpochReport, Stopping, never
from seqjobs.training.rows import Batch, training_rows, validation_rows

_Put = Callable[[Any], None]


def stock_fit(
    trial: Trial, dataset: Dataset, fitting: Fitting, strategy: Any, stopping: Stopping = never
) -> Iterator[EpochReport]:
    """Builds and trains a model of its own, fills `fitting`, and yields a report an epoch.

    Raises Stopped behind the batch at which `stopping` says so, and whatever Keras and TensorFlow raise.
    """
    forget_models()
    with strategy.scope():
        model = build_model(trial.spec, dataset.schema.feature_shape, trial.seed)
    yield from _from_thread(lambda put: _fit(model, trial, dataset, _Batches(fitting, put, stopping)))
    fitting.finish(model)


def _fit(model: keras.Sequential, trial: Trial, dataset: Dataset, batches: _Batches) -> None:
    spec, size = trial.spec, trial.spec.fit.batch_size
    training, validation = training_rows(spec, dataset), validation_rows(spec, dataset)
    validated = None if validation is None else as_dataset(validation, size, lambda: in_order(validation, size))

    def epoch_batches() -> Iterator[Batch]:
        if not spec.fit.shuffle:
            return in_order(training, size)
        return in_epoch_order(training, size, trial.seed, batches.epoch)

    model.fit(
        as_dataset(training, size, epoch_batches),
        epochs=spec.fit.epochs,
        validation_data=validated,
        callbacks=[*batches.fitting.callbacks, Watcher(batches.fitting), batches],
        shuffle=False,
        verbose=0,
    )


class _Batches(keras.callbacks.Callback):  # type: ignore[misc]
    """Knows the epoch that batches are wanted for, looks at the clock behind each of them, and puts the reports."""

    def __init__(self, fitting: Fitting, put: _Put, stopping: Stopping) -> None:
        super().__init__()
        self.fitting = fitting
        self._put = put
        self._stopping = stopping
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        # Before Keras takes its iterator over the epoch's batches, whose order this number decides.
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        self.fitting.check_time()
        if self._stopping():
            raise Stopped

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        self._put(self.fitting.last_report())


_END = object()


def _from_thread(work: Callable[[_Put], None]) -> Iterator[Any]:
    """What `work` puts, as it puts it: Keras's `fit` returns only at the end, its epochs are wanted before."""
    items: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run() -> None:
        try:
            work(items.put)
        except BaseException as error:  # (goes on where the items are read)
            items.put(error)
        items.put(_END)

    thread = threading.Thread(target=run, name="fit", daemon=True)
    thread.start()
    while (item := items.get()) is not _END:
        if isinstance(item, BaseException):
            raise item
        yield item
    thread.join()
