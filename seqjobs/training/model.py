"""From the checked entries of a spec to Keras objects, by constructors alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
from keras.src.saving.serialization_lib import SafeModeScope

from seqjobs.data.dataset import Array
from seqjobs.errors import RunFolderError
from seqjobs.jobspec.sections import CompileSpec, TrialSpec
from seqjobs.tables import METRICS, ArgumentValue, Named, history_name

# Where in Keras the names of each table are found.
_NAMESPACES: dict[str, Any] = {
    "layer": keras.layers,
    "optimizer": keras.optimizers,
    "schedule": keras.optimizers.schedules,
    "loss": keras.losses,
    "metric": keras.metrics,
    "callback": keras.callbacks,
    "activation": keras.activations,
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}


StandIns = Mapping[str, type]
"""Classes for layers and optimizers, by their names in the tables: each with the variables of Keras's own."""


def build(named: Named, stand_ins: StandIns = MappingProxyType({})) -> Any:
    """The Keras object of an entry; activations are functions, everything else is constructed.

    `stand_ins` take the place of Keras's layers, also of those in other layers, and of its optimizer.
    """
    if named.table == "activation":
        return getattr(keras.activations, named.name)
    if named.name == "LearningRateScheduler":
        return _learning_rate_scheduler(named)
    kind = stand_ins.get(named.name) if named.table in ("layer", "optimizer") else None
    arguments = {key: _argument(value, stand_ins) for key, value in named.arguments.items()}
    return (kind or getattr(_NAMESPACES[named.table], named.name))(**arguments)


def _argument(value: ArgumentValue, stand_ins: StandIns = MappingProxyType({})) -> Any:
    if isinstance(value, Named):
        return build(value, stand_ins)
    if isinstance(value, tuple):
        return [_argument(part, stand_ins) for part in value]
    return value


def _learning_rate_scheduler(named: Named) -> keras.callbacks.Callback:
    boundaries: Any = named.arguments["boundaries"]
    values: Any = named.arguments["values"]
    return keras.callbacks.LearningRateScheduler(lambda epoch, _: values[bisect_right(boundaries, epoch)])


def build_metric(named: Named) -> Any:
    """A metric that writes the column `history_name` says; an alias stays a string, for Keras to choose the kind."""
    if named.name not in METRICS.entries or history_name(named) == named.name:
        return named.name
    arguments = {key: _argument(value) for key, value in named.arguments.items()}
    # Keras numbers the second AUC of a process `auc_1`; columns must not depend on what ran before.
    return getattr(keras.metrics, named.name)(**arguments, name=history_name(named))


def put_weights(model: keras.Model, weights: Sequence[Array]) -> None:
    """Give a model the weights of a run. Raises RunFolderError E609 if they are those of another model."""
    if [array.shape for array in model.get_weights()] != [array.shape for array in weights]:
        what, fix = "the weights of the trial do not fit its model", "restore the run from a copy."
        raise RunFolderError("E609", what, fix=fix)
    model.set_weights(list(weights))


def forget_models() -> None:
    """Lets go of what Keras keeps of earlier models, names of layers among it: the next model is the first again.

    Not to be called inside a strategy's scope, which it would break.
    """
    # Python looks by itself for what can be freed; at once that would take up to 0.2 s.
    keras.backend.clear_session(free_memory=False)


def build_model(
    trial: TrialSpec, feature_shape: tuple[int, ...], seed: int, stand_ins: StandIns = MappingProxyType({})
) -> keras.Sequential:
    """A compiled Sequential with the weights that a fresh process under `set_random_seed(seed)` would give it.

    See `build` for `stand_ins`. Raises ValueError (Keras's) where the layers do not fit each other.
    """
    keras.utils.set_random_seed(seed)
    # No value of a spec is code or a file, and Keras is told to take none: a second wall behind the closed tables.
    with SafeModeScope(safe_mode=True):
        layers = [build(layer, stand_ins) for layer in trial.model]
        model = keras.Sequential([keras.Input(feature_shape), *layers])
    compile_model(model, trial.compile, stand_ins)
    return model


def compile_model(
    model: keras.Sequential,
    section: CompileSpec,
    stand_ins: StandIns = MappingProxyType({}),
    *,
    run_eagerly: bool = False,
) -> None:
    """Keras's `compile`, without XLA: on a CPU it makes convolutions, dropout and short trials slower."""
    with SafeModeScope(safe_mode=True):
        model.compile(
            optimizer=build(section.optimizer, stand_ins),
            loss=build(section.loss),
            metrics=[build_metric(metric) for metric in section.metrics],
            weighted_metrics=[build_metric(metric) for metric in section.weighted_metrics],
            jit_compile=False,
            run_eagerly=run_eagerly,
        )
