"""Fits one trial with Keras's own `fit`, and tells what happened epoch by epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from seqjobs.data.dataset import Dataset
from seqjobs.planning.trial import Trial
from seqjobs.training.batches import Batch, training_batches, validation_batches
from seqjobs.training.model import build
from seqjobs.training.outcome import Cause, Failure, History

OnEpoch = Callable[[int, Mapping[str, float]], None]


@dataclass(kw_only=True)
class Fitting:
    """What a fit has come to; `history` grows epoch by epoch, so that a broken fit keeps what it had."""

    history: dict[str, list[float]] = field(default_factory=dict)
    weights_epoch: int = -1
    failure: Failure | None = None

    def frozen_history(self) -> History:
        return {metric: tuple(values) for metric, values in self.history.items()}


def fit(model: keras.Sequential, trial: Trial, dataset: Dataset, fitting: Fitting, on_epoch: OnEpoch) -> None:
    """Trains the model in place and fills `fitting`. Raises whatever Keras and TensorFlow raise."""
    spec = trial.spec
    training, validation = training_batches(spec, dataset), validation_batches(spec, dataset)
    callbacks = [build(callback) for callback in spec.fit.callbacks]
    watcher = _Watcher(fitting, on_epoch)
    clock = [] if trial.trial_seconds is None else [_Clock(trial.trial_seconds, fitting)]

    def shuffled() -> Iterator[Batch]:
        return training.in_epoch_order(trial.seed, watcher.epoch)

    model.fit(
        training.dataset(shuffled if spec.fit.shuffle else training.in_order),
        epochs=spec.fit.epochs,
        validation_data=None if validation is None else validation.dataset(validation.in_order),
        callbacks=[*callbacks, watcher, *clock],
        shuffle=False,
        verbose=0,
    )
    fitting.weights_epoch = _weights_epoch(callbacks, fitting)


def _weights_epoch(callbacks: list[Any], fitting: Fitting) -> int:
    """The epoch whose weights the model has now: the last, or the one that EarlyStopping put back."""
    epoch = len(fitting.history.get("loss", ())) - 1
    for callback in callbacks:
        restores = isinstance(callback, keras.callbacks.EarlyStopping) and callback.restore_best_weights
        if restores and callback.best_weights is not None:
            epoch = callback.best_epoch
    return epoch


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes every epoch, and stops at a loss that is no number: nothing after it means anything."""

    def __init__(self, fitting: Fitting, on_epoch: OnEpoch) -> None:
        super().__init__()
        self._fitting = fitting
        self._on_epoch = on_epoch
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        # Before Keras takes its iterator over the epoch's batches, whose order this number decides.
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        for name, value in metrics.items():
            self._fitting.history.setdefault(name, []).append(value)
        if not math.isfinite(metrics["loss"]):
            message = f"the loss became {metrics['loss']} in epoch {epoch + 1}"
            self._fitting.failure = Failure(cause=Cause.NAN, message=message)
            self.model.stop_training = True
        self._on_epoch(epoch, metrics)


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops a trial that trains longer than it may."""

    def __init__(self, seconds: float, fitting: Fitting) -> None:
        super().__init__()
        self._seconds = seconds
        self._fitting = fitting
        self._began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        if time.monotonic() - self._began > self._seconds and self._fitting.failure is None:
            message = f"it trained longer than limits.trial_time, {self._seconds:g} s"
            self._fitting.failure = Failure(cause=Cause.TIME, message=message)
            self.model.stop_training = True
            raise TimeIsUp


class TimeIsUp(Exception):  # noqa: N818 (it ends a fit between two batches; the failure is noted already)
    """The only way out of Keras's `fit` before the end of an epoch."""
