"""Checkpoint: all that a trial needs to go on behind an epoch as if nothing had happened."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqjobs.data.dataset import Array
from seqjobs.training.fitting import Fitting
from seqjobs.training.outcome import History
from seqjobs.training.program import Program

# What Keras's callbacks remember from epoch to epoch; `on_train_begin` makes them forget it.
_REMEMBERED: Mapping[str, tuple[str, ...]] = {
    "EarlyStopping": ("wait", "stopped_epoch", "best", "best_weights", "best_epoch"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
    "TerminateOnNaN": (),
    "LearningRateScheduler": (),
}


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A trial at the end of an epoch."""

    history: History
    variables: tuple[Array, ...]
    """Weights, optimizer slots, seed generators and all else, in the order in which a program makes them."""
    callbacks: tuple[Mapping[str, Any], ...]
    """What each callback of the trial remembers, in the spec's order."""

    @classmethod
    def take(cls, program: Program, fitting: Fitting) -> Checkpoint:
        """To be called between two epochs of a fit."""
        return cls(
            history=fitting.frozen_history(),
            variables=program.variables,
            callbacks=tuple(
                {name: copy.deepcopy(getattr(callback, name)) for name in _REMEMBERED[type(callback).__name__]}
                for callback in fitting.callbacks
            ),
        )

    def put_back(self, program: Program, fitting: Fitting) -> None:
        """To be called behind the callbacks' `on_train_begin`."""
        program.restore(self.variables)
        fitting.history = {name: list(values) for name, values in self.history.items()}
        for callback, remembered in zip(fitting.callbacks, self.callbacks, strict=True):
            for name, value in remembered.items():
                setattr(callback, name, copy.deepcopy(value))
