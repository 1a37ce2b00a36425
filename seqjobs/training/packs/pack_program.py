"""PackProgram: one compiled model that all members of a pack share, and the next packs of the same key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import keras
import numpy as np
import tensorflow as tf

from seqjobs.data.dataset import Array, Dataset
from seqjobs.jobspec.trial_numbers import LEARNING_RATE, NumberPath
from seqjobs.planning.compile_rule import Compilation
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.epochs import Epochs, epochs_of
from seqjobs.training.free_number import FreeNumber
from seqjobs.training.initial_state import InitialState
from seqjobs.training.lowerings import LOWERED
from seqjobs.training.model import build_model
from seqjobs.training.outcome import Weights
from seqjobs.training.packs.pack_functions import PackFunctions
from seqjobs.training.packs.pack_steps import PackSteps, State, selected
from seqjobs.training.packs.plain_optimizer import plain
from seqjobs.training.packs.unrolled import UNROLLED
from seqjobs.training.rows import Rows, training_rows
from seqjobs.training.value_check import check_values


@final
class PackProgram:
    """A model whose variables are templates, and compiled functions over as many of each as a pack has places.

    Make it with `build`. `reset` begins a pack: places that it has no member for repeat its first one. A member's
    bits are the same in every place and beside any others.
    """

    def __init__(self, initial: InitialState, steps: PackSteps) -> None:
        self.model = steps.model
        self.metrics = tuple(steps.model.get_metrics_result())
        self._initial = initial
        self._steps = steps
        self._functions = {
            stop_at_nan: PackFunctions(steps, Compilation.XLA, stop_at_nan=stop_at_nan) for stop_at_nan in (False, True)
        }
        self._used = self._functions[False]
        places = {id(variable): index for index, variable in enumerate(steps.variables)}
        self._weights = [places[id(variable)] for variable in steps.model.weights]
        # A rate that is a variable has no other name than this in Keras; a schedule is none.
        self._rate = places.get(id(steps.model.optimizer._learning_rate))

    @classmethod
    def build(cls, pack: Pack, dataset: Dataset) -> PackProgram:
        """Builds the model of the pack's first member. Raises what Keras raises, and DataError."""
        trial, initial = pack.trials[0], InitialState()
        rows = training_rows(trial.spec, dataset)
        kind = trial.spec.compile.optimizer.name
        stand_ins = {**LOWERED, **UNROLLED, kind: plain(getattr(keras.optimizers, kind))}
        with initial.recording():
            model = build_model(trial.spec, dataset.schema.feature_shape, trial.seed, stand_ins=stand_ins)
            check_values(trial.spec, dataset, model)
            model.optimizer.build(model.trainable_variables)
            # Metrics and the loss make their variables when they first see numbers.
            model.test_step(rows.ready(slice(0, 2)))
        initial.complete(model, trial.seed)
        steps = PackSteps(
            model=model,
            variables=_variables(model, initial),
            numbers=_place_numbers(model, numbers_of(trial)),
            form=rows.form,
            batch_size=trial.spec.fit.batch_size,
            size=pack.size,
        )
        return cls(initial, steps)

    def reset(self, pack: Pack, *, stop_at_nan: bool) -> None:
        """Every member is as `fit` of a fresh model of its trial would begin."""
        trials = [*pack.trials, *[pack.trials[0]] * (pack.size - len(pack.trials))]
        self._initial.restore(trials[0].seed)
        numbers = [numbers_of(trial) for trial in trials]
        self._used = self._functions[stop_at_nan]
        self._used.values = tuple(
            tf.constant([of_member[path] for of_member in numbers], tf.float64)
            for path in numbers[0]
            if not (path == LEARNING_RATE and self._rate is not None)
        )
        state = [_repeated(variable.value, pack.size) for variable in self._steps.variables]
        self._used.state = (*state, tf.identity(self.model.optimizer.iterations.value))
        if self._rate is not None:
            self.learning_rates = np.array([of_member[LEARNING_RATE] for of_member in numbers], np.float32)

    def epochs(self, training: Rows, validation: Rows | None) -> Epochs:
        """The epochs of the pack; metrics are (metrics, members)."""
        return epochs_of(self._used, training, validation)

    @property
    def learning_rates(self) -> Array:
        """(members,) float32; of a program without a schedule."""
        return np.array(self._used.state[self._rate_place])

    @learning_rates.setter
    def learning_rates(self, rates: Array) -> None:
        state = list(self._used.state)
        state[self._rate_place] = tf.constant(rates, tf.float32)
        self._used.state = tuple(state)

    @property
    def state(self) -> State:
        """All that changes while the pack trains."""
        return self._used.state

    @state.setter
    def state(self, state: Sequence[Any]) -> None:
        self._used.state = tuple(
            tf.constant(part, held.dtype) for part, held in zip(state, self._used.state, strict=True)
        )

    def keep(self, members: Array, before: State) -> None:
        """Puts back to `before` all but these members, (members,) bool."""
        self._used.state = selected(tf.constant(members), self._used.state, before)

    def finish(self) -> None:
        """What `fit` does at its end."""
        if self.model.optimizer.use_ema:
            self._used.finish()

    @property
    def weights(self) -> tuple[Any, ...]:
        """A tensor (members, *shape) for each of the model's weights, in the order of `get_weights`."""
        return tuple(self._used.state[place] for place in self._weights)

    @property
    def _rate_place(self) -> int:
        if self._rate is None:
            raise RuntimeError("the learning rate is a schedule")
        return self._rate


def numbers_of(trial: Trial) -> dict[NumberPath, float]:
    """Return the numbers that a member has of its own, in the order in which the program takes them."""
    return trial.numbers_by_path


def weights_of(stacked: Sequence[Array], member: int) -> Weights:
    """One member's weights, of arrays (members, *shape)."""
    return tuple(np.array(weight[member]) for weight in stacked)


def _variables(model: keras.Sequential, initial: InitialState) -> list[keras.Variable]:
    """All variables of a program but the count of steps, which all members share."""
    known = {id(v): v for v in [*model.variables, *model.optimizer.variables, *model.metrics_variables]}
    known.pop(id(model.optimizer.iterations))
    held = {id(variable.value) for variable in known.values()} | {id(model.optimizer.iterations.value)}
    if missing := [variable for variable in initial.variables if id(variable) not in held]:
        raise RuntimeError(f"variables that belong to no layer, optimizer or metric: {missing}")
    return list(known.values())


def _place_numbers(model: keras.Sequential, numbers: dict[NumberPath, float]) -> list[FreeNumber]:
    """Puts a FreeNumber where Keras holds each number; but a learning rate that is no schedule is a variable."""
    placed = []
    for path, value in numbers.items():
        if path == LEARNING_RATE:
            continue
        holder: Any = model.optimizer if path[0] == "compile" else model.layers[path[1]]
        for name in path[2:-1]:
            holder = getattr(holder, "_learning_rate" if name == "learning_rate" else str(name))
        placed.append(FreeNumber(value))
        setattr(holder, str(path[-1]), placed[-1])
    return placed


def _repeated(value: Any, times: int) -> Any:
    held = value.numpy()
    return tf.constant(np.broadcast_to(held, (times, *held.shape)))
