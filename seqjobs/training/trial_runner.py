"""TrialRunner: trains packs in this process, which imports TensorFlow once and stays warm."""

from __future__ import annotations

import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, final

import keras
import tensorflow as tf

from seqjobs.data.dataset import Dataset
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training import devices
from seqjobs.training.batches import training_batches
from seqjobs.training.failures import failure_of
from seqjobs.training.fit import Fitting, TimeIsUp, fit
from seqjobs.training.model import build_model, compile_model, forget_models
from seqjobs.training.outcome import EpochReport, Failure, TrialOutcome, Weights

_Put = Callable[[Any], None]


@final
class TrialRunner:
    """The PackRunner of TensorFlow. Make it with `start`."""

    def __init__(self, device_names: tuple[str, ...], mirrored: tuple[str, ...] = ()) -> None:
        self.devices = device_names
        self._mirrored = mirrored
        self.versions: tuple[tuple[str, str], ...] = (
            ("tensorflow", str(tf.__version__)),
            ("keras", str(keras.__version__)),
        )

    @classmethod
    def start(cls, cpus: int) -> TrialRunner:
        """Sets this process's TensorFlow up for a worker with that many CPUs; once a process."""
        names = devices.prepare(cpus)
        return cls(names, mirrored=devices.gpus())

    def check(self, trial: Trial, dataset: Dataset) -> Failure | None:
        """Builds, compiles and calls the model on two rows, without tracing a graph."""
        forget_models()
        try:
            model = build_model(trial.spec, dataset.schema.feature_shape, trial.seed)
            compile_model(model, trial.spec.compile, run_eagerly=True)
            features, target = training_batches(trial.spec, dataset).rows(slice(0, 2))
            model.test_on_batch(features, target)
        except Exception as error:  # (whatever Keras raises is the answer)
            return failure_of(error)
        return None

    def run(self, pack: Pack, dataset: Dataset) -> Iterator[EpochReport | TrialOutcome | Weights]:
        """Trains the pack's trials; see PackRunner."""
        for trial in pack.trials:
            yield from _from_thread(partial(_train, trial, dataset, devices.strategy(self._mirrored)))

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        """A `.keras` file that `keras.models.load_model` opens by itself."""
        forget_models()
        model = build_model(trial.spec, feature_shape, trial.seed)
        model.set_weights(list(weights))
        # An optimizer without variables would make `load_model` warn that it cannot restore them.
        model.optimizer.build(model.trainable_variables)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            model.save(path)
            return path.read_bytes()


def _train(trial: Trial, dataset: Dataset, strategy: Any, put: _Put) -> None:
    """Puts an EpochReport per epoch, then the outcome, then the weights."""
    fitting, began, lines = Fitting(), time.monotonic(), [_headline(trial)]

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
        lines.append(_epoch_line(epoch, trial, metrics))
        put(EpochReport(epoch=epoch, metrics={name: (value,) for name, value in metrics.items()}))

    weights: Weights = ()
    forget_models()
    try:
        with strategy.scope():
            model = build_model(trial.spec, dataset.schema.feature_shape, trial.seed)
        fit(model, trial, dataset, fitting, on_epoch)
        weights = tuple(model.get_weights())
    except TimeIsUp:
        pass
    except Exception as error:  # (a failed trial is a value, not an end of the worker)
        fitting.failure = failure_of(error)
    put(
        TrialOutcome(
            trial_id=trial.id,
            history=fitting.frozen_history(),
            weights_epoch=fitting.weights_epoch,
            seconds=time.monotonic() - began,
            failure=fitting.failure,
            log="\n".join(lines) + "\n",
        )
    )
    put(() if fitting.failure else weights)


def _headline(trial: Trial) -> str:
    values = ", ".join(f"{key}={value}" for key, value in trial.hyperparameters.items())
    return f"trial {trial.id} of job {trial.job}, seed {trial.seed}" + (f": {values}" if values else "")


def _epoch_line(epoch: int, trial: Trial, metrics: Mapping[str, float]) -> str:
    values = "  ".join(f"{name} {value:.5g}" for name, value in metrics.items())
    return f"epoch {epoch + 1}/{trial.spec.fit.epochs}  {values}"


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
