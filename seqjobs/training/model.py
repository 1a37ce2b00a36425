"""From the checked entries of a spec to Keras objects, by constructors alone."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import keras

from seqjobs.spec.sections import CompileSpec, TrialSpec
from seqjobs.spec.tables import METRICS, ArgumentValue, Named, history_name
from seqjobs.training.lowerings import LOWERED

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


def build(named: Named, *, lowered: bool = False) -> Any:
    """The Keras object of an entry; activations are functions, everything else is constructed.

    `lowered` takes layers in their lowered form where they have one, and those in other layers too.
    """
    if named.table == "activation":
        return getattr(keras.activations, named.name)
    if named.name == "LearningRateScheduler":
        return _learning_rate_scheduler(named)
    kind = LOWERED.get(named.name) if lowered and named.table == "layer" else None
    arguments = {key: _argument(value, lowered=lowered) for key, value in named.arguments.items()}
    return (kind or getattr(_NAMESPACES[named.table], named.name))(**arguments)


def _argument(value: ArgumentValue, *, lowered: bool = False) -> Any:
    if isinstance(value, Named):
        return build(value, lowered=lowered)
    if isinstance(value, tuple):
        return [_argument(part, lowered=lowered) for part in value]
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


def forget_models() -> None:
    """Lets go of what Keras keeps of earlier models, names of layers among it: the next model is the first again.

    Not to be called inside a strategy's scope, which it would break.
    """
    # Python finds the memory when it wants it; to look for it at once takes as long as to train a small trial.
    keras.backend.clear_session(free_memory=False)


def build_model(
    trial: TrialSpec, feature_shape: tuple[int, ...], seed: int, *, lowered: bool = False
) -> keras.Sequential:
    """A compiled Sequential with the weights that a fresh process under `set_random_seed(seed)` would give it.

    `lowered` takes layers with the same weights that XLA makes fast on a CPU, where there are any. Raises ValueError
    (Keras's) where the layers do not fit each other.
    """
    keras.utils.set_random_seed(seed)
    layers = [build(layer, lowered=lowered) for layer in trial.model]
    model = keras.Sequential([keras.Input(feature_shape), *layers])
    compile_model(model, trial.compile)
    return model


def compile_model(model: keras.Sequential, section: CompileSpec, *, run_eagerly: bool = False) -> None:
    """Keras's `compile`, without XLA: on a CPU it makes convolutions, dropout and short trials slower."""
    model.compile(
        optimizer=build(section.optimizer),
        loss=build(section.loss),
        metrics=[build_metric(metric) for metric in section.metrics],
        weighted_metrics=[build_metric(metric) for metric in section.weighted_metrics],
        jit_compile=False,
        run_eagerly=run_eagerly,
    )
