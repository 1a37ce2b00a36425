"""Fits a pack on its program: what `fit` is to one trial, for all members at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqjobs.data.dataset import Array, Dataset
from seqjobs.planning.trial import Pack
from seqjobs.training.checkpoint import NEVER, Checkpoint, Saving
from seqjobs.training.outcome import EpochReport
from seqjobs.training.packs import pack_checkpoint
from seqjobs.training.packs.callbacks import Logs, Members, PackCallback, pack_callback
from seqjobs.training.packs.pack_fitting import PackFitting
from seqjobs.training.packs.pack_program import PackProgram
from seqjobs.training.rows import training_rows, validation_rows


def fit_pack(
    program: PackProgram, pack: Pack, dataset: Dataset, fitting: PackFitting, saving: Saving = NEVER
) -> Iterator[EpochReport | Checkpoint]:
    """Trains the pack, fills `fitting`, and yields a report an epoch, and checkpoints when due.

    From a checkpoint it goes on behind the epoch at which that was taken.
    All members see the rows in the order of the seed that they share. Raises Stopped, and whatever Keras and
    TensorFlow raise.
    """
    first = pack.trials[0]
    sections = first.template.spec
    spec = sections.fit
    program.reset(pack, stop_at_nan=any(callback.name == "TerminateOnNaN" for callback in spec.callbacks))
    training, validation = training_rows(sections, dataset), validation_rows(sections, dataset)
    epochs = program.epochs(training, validation)
    callbacks = [pack_callback(named, program, pack.size) for named in spec.callbacks]
    columns = [*program.metrics, *(f"val_{name}" for name in program.metrics if validation is not None)]

    if saving.saved is not None:
        pack_checkpoint.put_back(saving.saved, program, callbacks, fitting)
    saving.end_if_asked()
    for epoch in range(fitting.epochs, spec.epochs):
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        before = program.state
        order = training.order(first.seed, epoch) if spec.shuffle else None
        metrics = epochs.run(order, fitting.check_time).astype(np.float64)
        # In the order in which Keras hands logs to its callbacks.
        logs: Logs = dict(sorted(zip(columns, metrics, strict=True)))
        trained = _in_places(fitting.training, pack.size)
        if not fitting.training.all():
            program.keep(trained, before)
        yield fitting.note(epoch, logs, _stopped(callbacks, epoch, logs, trained))
        if not fitting.training.any():
            break
        if epoch + 1 < spec.epochs and saving.is_due():
            yield pack_checkpoint.take(program, callbacks, fitting)
            saving.end_if_asked()
    program.finish()
    _finish(program, callbacks, fitting)


def _stopped(callbacks: list[PackCallback], epoch: int, logs: Logs, trained: Members) -> Members:
    """All callbacks in the spec's order, which may add to the logs."""
    stopped = np.zeros_like(trained)
    for callback in callbacks:
        stopped |= callback.on_epoch_end(epoch, logs, trained)
    return stopped


def _finish(program: PackProgram, callbacks: list[PackCallback], fitting: PackFitting) -> None:
    """As Keras's callbacks do in their order: the last that puts weights back has the last word."""
    weights: list[Array] = [np.asarray(weight) for weight in program.weights]
    restored, epochs = np.zeros(len(fitting.training), bool), np.zeros(len(fitting.training), int)
    for callback in callbacks:
        found = callback.restored()
        if found is not None:
            restored, epochs, best = found
            weights = [np.asarray(weight) for weight in best]
    fitting.finish(weights, restored, epochs)


def _in_places(members: Members, size: int) -> Members:
    """The members among the places of a pack; what fills it up trains along, unless nobody looks."""
    return np.concatenate([members, np.ones(size - len(members), bool)])
