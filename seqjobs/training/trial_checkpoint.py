"""The checkpoint of a trial that trains alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqjobs.data.dataset import Array
from seqjobs.training.checkpoint import Checkpoint, in_order, numbered, same_form
from seqjobs.training.fitting import Fitting
from seqjobs.training.program import Program

# What Keras's callbacks remember from epoch to epoch; `on_train_begin` makes them forget it.
_REMEMBERED: Mapping[str, tuple[str, ...]] = {
    "EarlyStopping": ("wait", "stopped_epoch", "best", "best_epoch"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
    "TerminateOnNaN": (),
    "LearningRateScheduler": (),
}


def take(program: Program, fitting: Fitting) -> Checkpoint:
    """To be called between two epochs of a fit."""
    arrays: dict[str, Array] = numbered("variable", program.variables)
    for index, callback in enumerate(fitting.callbacks):
        arrays.update(numbered(f"best-{index}", getattr(callback, "best_weights", None) or ()))
    return Checkpoint(
        epochs=fitting.epochs,
        notes={
            "history": {name: list(values) for name, values in fitting.history.items()},
            "seconds": fitting.seconds,
            "callbacks": [_remembered(callback) for callback in fitting.callbacks],
        },
        arrays=arrays,
    )


def put_back(checkpoint: Checkpoint, program: Program, fitting: Fitting) -> None:
    """To be called behind the callbacks' `on_train_begin`. One whose variables are not the program's is passed over."""
    if not same_form(in_order("variable", checkpoint.arrays), program.variables):
        return
    program.restore(in_order("variable", checkpoint.arrays))
    fitting.history = {name: list(values) for name, values in checkpoint.notes["history"].items()}
    fitting.worked_before(checkpoint.notes["seconds"])
    for index, (callback, remembered) in enumerate(zip(fitting.callbacks, checkpoint.notes["callbacks"], strict=True)):
        for name, value in remembered.items():
            setattr(callback, name, value)
        if best := in_order(f"best-{index}", checkpoint.arrays):
            callback.best_weights = list(best)


def _remembered(callback: Any) -> dict[str, Any]:
    found = {name: getattr(callback, name) for name in _REMEMBERED[type(callback).__name__]}
    # A number of NumPy's would not be JSON's.
    return {name: value.item() if hasattr(value, "item") else value for name, value in found.items()}
