"""Fits one trial on a program: Keras's `fit`, with an epoch in a call."""

from __future__ import annotations

from collections.abc import Iterator

import keras

from seqjobs.data.dataset import Dataset
from seqjobs.planning.trial import Trial
from seqjobs.training import trial_checkpoint
from seqjobs.training.checkpoint import NEVER, Checkpoint, Saving, Stopped
from seqjobs.training.fitting import Fitting, Watcher
from seqjobs.training.outcome import EpochReport
from seqjobs.training.program import Program
from seqjobs.training.rows import training_rows, validation_rows
from seqjobs.training.span import Span


def fit(
    program: Program,
    trial: Trial,
    dataset: Dataset,
    fitting: Fitting,
    saving: Saving = NEVER,
    span: Span | None = None,
) -> Iterator[EpochReport | Checkpoint]:
    """Trains the program's model in place, fills `fitting`, and yields a report an epoch, and checkpoints when due.

    From a checkpoint it goes on behind the epoch at which that was taken. With a `span` all its processes fit the
    trial, and none looks at the time in the midst of an epoch.
    Raises Stopped, and whatever Keras and TensorFlow raise.
    """
    sections, model = trial.template.spec, program.model
    spec = sections.fit
    program.reset(trial)
    share = None if span is None else span.share(spec.batch_size)
    training, validation = training_rows(sections, dataset, share), validation_rows(sections, dataset, share)
    stops_at_nan = any(isinstance(callback, keras.callbacks.TerminateOnNaN) for callback in fitting.callbacks)
    epochs = program.epochs(training, validation, stop_at_nan=stops_at_nan)
    callbacks = keras.callbacks.CallbackList([*fitting.callbacks, Watcher(fitting)], model=model, epochs=spec.epochs)
    columns = [*program.metrics, *(f"val_{name}" for name in program.metrics if validation is not None)]
    last_batch = -(-len(training) // spec.batch_size) - 1

    callbacks.on_train_begin()
    if saving.saved is not None:
        trial_checkpoint.put_back(saving.saved, program, fitting)
    saving.end_if_asked()
    logs: dict[str, float] = {}
    for epoch in range(fitting.epochs, spec.epochs):
        callbacks.on_epoch_begin(epoch)
        order = training.order(trial.seed, epoch) if spec.shuffle else training.stored_order()
        if span is not None:
            fitting.check_time()
            if not span.may_go_on():
                raise Stopped
        watch = fitting.check_time if span is None else _unwatched
        logs = dict(zip(columns, epochs.run(order, watch).tolist(), strict=True))
        # Callbacks that look at batches see the last: its loss is the mean so far, and once that is no number it
        # stays so.
        callbacks.on_train_batch_end(last_batch, logs)
        callbacks.on_epoch_end(epoch, logs)
        yield fitting.last_report()
        if model.stop_training:
            break
        if epoch + 1 < spec.epochs and saving.is_due():
            yield trial_checkpoint.take(program, fitting)
            saving.end_if_asked()
    # Keras's `fit` ends so too: weights that an optimizer averages take their averages now.
    model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs)
    fitting.finish(model)


def _unwatched() -> None:
    """Nothing between two calls of compiled functions may end the epoch."""
