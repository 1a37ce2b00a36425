"""Fitting: what a fit has come to, and the callbacks that note it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from seqjobs.planning.trial import Trial
from seqjobs.training.model import build
from seqjobs.training.outcome import Cause, EpochReport, Failure, History, Weights


@dataclass(kw_only=True)
class Fitting:
    """Grows epoch by epoch, so that a broken fit keeps what it had. `callbacks` are those of the trial's spec."""

    callbacks: Sequence[keras.callbacks.Callback]
    trial_seconds: float | None
    """The most time that it may take."""
    history: dict[str, list[float]] = field(default_factory=dict)
    weights: Weights = ()
    weights_epoch: int = -1
    failure: Failure | None = None
    compiled: str = ""
    """See TrialOutcome."""
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, trial: Trial) -> Fitting:
        callbacks = tuple(build(callback) for callback in trial.template.spec.fit.callbacks)
        return cls(callbacks=callbacks, trial_seconds=trial.trial_seconds)

    @property
    def seconds(self) -> float:
        """How long it has trained, before a checkpoint too."""
        return time.monotonic() - self.began

    def worked_before(self, seconds: float) -> None:
        """So long it had trained when its checkpoint was taken."""
        self.began -= seconds

    @property
    def epochs(self) -> int:
        """How many epochs are over."""
        return len(self.history.get("loss", ()))

    def frozen_history(self) -> History:
        return {metric: tuple(values) for metric, values in self.history.items()}

    def last_report(self) -> EpochReport:
        return EpochReport(
            epoch=self.epochs - 1, metrics={metric: (values[-1],) for metric, values in self.history.items()}
        )

    def check_time(self) -> None:
        """Raises TimeIsUp, with the failure noted, once the trial has trained longer than it may."""
        if self.trial_seconds is not None and self.seconds > self.trial_seconds:
            if self.failure is None:
                message = f"it trained longer than limits.trial_time, {self.trial_seconds:g} s"
                self.failure = Failure(cause=Cause.TIME, message=message)
            raise TimeIsUp

    def finish(self, model: keras.Sequential) -> None:
        """Takes the weights, and notes the epoch they are of: the last, or the one that EarlyStopping put back."""
        self.weights = tuple(model.get_weights())
        self.weights_epoch = self.epochs - 1
        for callback in self.callbacks:
            restores = isinstance(callback, keras.callbacks.EarlyStopping) and callback.restore_best_weights
            if restores and callback.best_weights is not None:
                self.weights_epoch = callback.best_epoch


class Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes every epoch, and stops at a loss that is no number: nothing after it means anything.

    Stands behind all other callbacks, which may add to the metrics of an epoch.
    """

    def __init__(self, fitting: Fitting) -> None:
        super().__init__()
        self._fitting = fitting

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        for name, value in metrics.items():
            self._fitting.history.setdefault(name, []).append(value)
        if not math.isfinite(metrics["loss"]):
            message = f"the loss became {metrics['loss']} in epoch {epoch + 1}"
            self._fitting.failure = Failure(cause=Cause.NAN, message=message)
            self.model.stop_training = True


class TimeIsUp(Exception):  # noqa: N818 (it ends a fit early; the failure is noted already)
    """The trial has trained as long as it may."""
