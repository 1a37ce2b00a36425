"""Keras's callbacks for all members of a pack at once: each member is decided for as Keras's own object would."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, Protocol, final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from seqjobs.data.dataset import Array
from seqjobs.tables import Named
from seqjobs.training.model import build
from seqjobs.training.packs.pack_program import PackProgram

Members = npt.NDArray[np.bool_]
"""Which members, (members,)."""
Logs = dict[str, Array]
"""Metric -> one number a member, (members,) float64."""


class PackCallback(Protocol):
    """A callback of all members. What a member that does not train any more would remember stays as it is."""

    memory: tuple[Any, ...]
    """What it remembers from epoch to epoch: arrays and tensors, (members, ...). Setting it goes on from there."""

    def on_epoch_begin(self, epoch: int) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Logs, training: Members) -> Members:
        """Takes an epoch of the members that are `training`, and may add to the logs; returns who stops."""

    def restored(self) -> tuple[Members, Array, tuple[Any, ...]] | None:
        """Which members get other weights in the end, of which epoch each, and those: a tensor (members, *shape)
        for each of the model's weights."""


def pack_callback(named: Named, program: PackProgram, size: int) -> PackCallback:
    """The callback of an entry of a spec."""
    if named.name == "LearningRateScheduler":
        return _LearningRateScheduler(named.arguments, program, size)
    if named.name == "TerminateOnNaN":
        return _Nothing(size)
    kind = _EarlyStopping if named.name == "EarlyStopping" else _ReduceLROnPlateau
    return kind(build(named), program, size)


@final
class _Nothing:
    """TerminateOnNaN: the steps leave a member as it is, and whoever notes the losses stops it."""

    memory: tuple[Any, ...] = ()

    def __init__(self, size: int) -> None:
        self._nobody = np.zeros(size, bool)

    def on_epoch_begin(self, epoch: int) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Logs, training: Members) -> Members:  # noqa: ARG002
        return self._nobody

    def restored(self) -> None:
        return None


@final
class _Better:
    """Whether a monitored number is an improvement, as keras/src/callbacks/monitor_callback.py has it."""

    def __init__(self, callback: Any, model: keras.Sequential) -> None:
        callback.set_model(model)
        # Which way is better follows from names and metrics; Keras asks for it before the first comparison.
        callback._set_monitor_op()
        self._less = callback.monitor_op is keras.ops.less
        self._min_delta = callback.min_delta

    def than(self, reference: Array, current: Array) -> Members:
        """Keras compares Python numbers as float32."""
        moved = (current - self._min_delta).astype(np.float32)
        held = reference.astype(np.float32)
        return np.asarray(moved < held if self._less else moved > held)


@final
class _EarlyStopping:
    def __init__(self, callback: Any, program: PackProgram, size: int) -> None:
        self._callback = callback
        self._program = program
        self._better = _Better(callback, program.model)
        self._has_best = np.zeros(size, bool)
        self._best = np.zeros(size)
        self._best_epoch = np.zeros(size, int)
        self._best_weights: tuple[Any, ...] | None = None
        self._wait = np.zeros(size, int)

    @property
    def memory(self) -> tuple[Any, ...]:
        return (self._has_best, self._best, self._best_epoch, self._wait, *(self._best_weights or ()))

    @memory.setter
    def memory(self, memory: tuple[Any, ...]) -> None:
        self._has_best, self._best, self._best_epoch, self._wait, *weights = memory
        self._best_weights = tuple(weights) or None

    def on_epoch_begin(self, epoch: int) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Logs, training: Members) -> Members:
        callback, current = self._callback, logs[self._callback.monitor]
        if epoch < callback.start_from_epoch:
            return np.zeros_like(training)
        if callback.restore_best_weights and self._best_weights is None:
            self._best_weights = self._program.weights
            self._best_epoch[:] = epoch
        self._wait[training] += 1
        improved = training & (~self._has_best | self._better.than(self._best, current))
        self._has_best |= improved
        self._best = np.where(improved, current, self._best)
        self._best_epoch = np.where(improved, epoch, self._best_epoch)
        if self._best_weights is not None and improved.any():
            self._best_weights = _chosen(improved, self._program.weights, self._best_weights)
        again = improved
        if callback.baseline is not None:
            again = improved & self._better.than(np.full(len(current), float(callback.baseline)), current)
        self._wait[again] = 0
        stops: Members = training & ~improved & (self._wait >= callback.patience)
        return stops if epoch > 0 else np.zeros_like(stops)

    def restored(self) -> tuple[Members, Array, tuple[Any, ...]] | None:
        if self._best_weights is None:
            return None
        return np.ones(len(self._best), bool), self._best_epoch, self._best_weights


@final
class _ReduceLROnPlateau:
    def __init__(self, callback: Any, program: PackProgram, size: int) -> None:
        self._callback = callback
        self._program = program
        self._better = _Better(callback, program.model)
        self._has_best = np.zeros(size, bool)
        self._best = np.zeros(size)
        self._wait = np.zeros(size, int)
        self._cooldown = np.zeros(size, int)

    @property
    def memory(self) -> tuple[Any, ...]:
        return (self._has_best, self._best, self._wait, self._cooldown)

    @memory.setter
    def memory(self, memory: tuple[Any, ...]) -> None:
        self._has_best, self._best, self._wait, self._cooldown = memory

    def on_epoch_begin(self, epoch: int) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Logs, training: Members) -> Members:  # noqa: ARG002
        callback = self._callback
        logs["learning_rate"] = self._program.learning_rates.astype(np.float64)
        current = logs[callback.monitor]
        cooling = training & (self._cooldown > 0)
        self._cooldown[cooling] -= 1
        self._wait[cooling] = 0
        improved = training & (~self._has_best | self._better.than(self._best, current))
        self._has_best |= improved
        self._best = np.where(improved, current, self._best)
        self._wait[improved] = 0
        waits = training & ~improved & ~(self._cooldown > 0)
        self._wait[waits] += 1
        self._reduce(waits & (self._wait >= callback.patience))
        return np.zeros_like(training)

    def _reduce(self, due: Members) -> None:
        old = self._program.learning_rates.astype(np.float64)
        due = due & (old > np.float32(self._callback.min_lr))
        if due.any():
            new = np.maximum(old * self._callback.factor, self._callback.min_lr)
            self._program.learning_rates = np.where(due, new, old).astype(np.float32)
            self._cooldown[due] = self._callback.cooldown
            self._wait[due] = 0

    def restored(self) -> None:
        return None


@final
class _LearningRateScheduler:
    memory: tuple[Any, ...] = ()

    def __init__(self, arguments: Mapping[str, Any], program: PackProgram, size: int) -> None:
        self._boundaries: Any = arguments["boundaries"]
        self._values: Any = arguments["values"]
        self._program = program
        self._size = size

    def on_epoch_begin(self, epoch: int) -> None:
        rate = self._values[bisect_right(self._boundaries, epoch)]
        self._program.learning_rates = np.full(self._size, rate, np.float32)

    def on_epoch_end(self, epoch: int, logs: Logs, training: Members) -> Members:  # noqa: ARG002
        logs["learning_rate"] = self._program.learning_rates.astype(np.float64)
        return np.zeros_like(training)

    def restored(self) -> None:
        return None


def _chosen(members: Members, these: tuple[Any, ...], others: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of each tensor (members, ...) the first one's where `members`."""
    return tuple(
        tf.where(members.reshape(-1, *[1] * (len(this.shape) - 1)), this, other)
        for this, other in zip(these, others, strict=True)
    )
