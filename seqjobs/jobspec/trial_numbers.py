"""The numbers of a trial that its program may take as inputs: trials that differ only in them share all else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from seqjobs.errors.problems import Path
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.tables import (
    LAYERS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    TABLES,
    ArgumentValue,
    Named,
    Table,
    complete_arguments,
)

NumberPath = tuple[str | int, ...]
"""The place of a number: `("compile", "optimizer", "beta_1")`, `("model", 1, "kernel_regularizer", "l2")`."""

LEARNING_RATE: NumberPath = ("compile", "optimizer", "learning_rate")

# By entry, or for all entries of a table. Left out: arguments that shape a graph, such as steps and flags, and those
# that only an initial value depends on. Keras reads each of these from an attribute of the argument's name.
_OF_TABLE: Mapping[str, frozenset[str]] = {
    "optimizer": frozenset({"learning_rate", "momentum", "rho", "beta_1", "beta_2", "weight_decay"}),
    "schedule": frozenset({"initial_learning_rate", "decay_rate", "end_learning_rate"}),
}
_OF_ENTRY: Mapping[str, frozenset[str]] = {
    "Dropout": frozenset({"rate"}),
    "SpatialDropout1D": frozenset({"rate"}),
    "SpatialDropout2D": frozenset({"rate"}),
    "SpatialDropout3D": frozenset({"rate"}),
    "AlphaDropout": frozenset({"rate"}),
    "GaussianDropout": frozenset({"rate"}),
    "GaussianNoise": frozenset({"stddev"}),
    "L1": frozenset({"l1"}),
    "L2": frozenset({"l2"}),
    "L1L2": frozenset({"l1", "l2"}),
}
_NESTED = ("schedule", "regularizer")
_FREE = "any number"


def trial_numbers(trial: TrialSpec) -> dict[NumberPath, float]:
    """Return the numbers of a trial, in an order that depends only on what the trial shares with others."""
    return {**optimizer_numbers(trial.compile.optimizer), **layer_numbers(trial.model)}


def optimizer_numbers(optimizer: Named) -> dict[NumberPath, float]:
    return dict(_numbers_in(optimizer, ("compile", "optimizer")))


def layer_numbers(layers: Sequence[Named]) -> dict[NumberPath, float]:
    return {path: value for index, layer in enumerate(layers) for path, value in _numbers_in(layer, ("model", index))}


def _numbers_in(named: Named, path: NumberPath) -> Iterator[tuple[NumberPath, float]]:
    for argument, value in complete_arguments(named).items():
        place = (*path, argument)
        if isinstance(value, Named):
            if value.table in _NESTED:
                yield from _numbers_in(value, place)
        elif _may_be_free(named, argument) and is_free(argument, value):
            yield place, float(value)  # type: ignore[arg-type]


def without_numbers(named: Named) -> Named:
    """Return a layer or an optimizer with what it shares with those that differ in numbers alone."""
    arguments: dict[str, ArgumentValue] = dict(named.arguments)
    for argument, value in complete_arguments(named).items():
        if isinstance(value, Named) and value.table in _NESTED:
            arguments[argument] = without_numbers(value)
        elif _may_be_free(named, argument) and is_free(argument, value):
            arguments[argument] = _FREE
    return replace(named, arguments=arguments)


def with_numbers(trial: TrialSpec, numbers: Mapping[NumberPath, float]) -> TrialSpec:
    """Return the trial with other numbers at some of the places that `trial_numbers` names."""
    compiled, model = trial.compile, list(trial.model)
    for path, number in numbers.items():
        if path[0] == "compile":
            compiled = compiled.model_copy(update={"optimizer": _with_number(compiled.optimizer, path[2:], number)})
        else:
            index = path[1]
            model[index] = _with_number(model[index], path[2:], number)  # type: ignore[index]
    return trial.model_copy(update={"compile": compiled, "model": tuple(model)})


def _with_number(named: Named, path: NumberPath, number: float) -> Named:
    argument, *below = path
    known = TABLES[named.table].entry(named.name).arguments[str(argument)]
    arguments = dict(named.arguments)
    value: ArgumentValue = number
    if below:
        inner = cast(Named, complete_arguments(named)[str(argument)])
        value = _with_number(inner, tuple(below), number)
    arguments[str(argument)] = value
    if value == known.default:
        # As the tables do, so that equal meaning is equal values.
        del arguments[str(argument)]
    return replace(named, arguments=arguments)


def number_path(written: Path) -> NumberPath | None:
    """Return the path of the number that is written at a place of the sections; None for any other place.

    Names are written around their arguments: what is written at `model.1.Dropout.rate`, or as a bare number at
    `model.1.Dropout`, is the number `("model", 1, "rate")`.
    """
    head, names = written[:2], list(written[2:])
    table: Table | None = OPTIMIZERS if head == LEARNING_RATE[:2] else LAYERS if head[0] == "model" else None
    if table is None or not names:
        return None
    path: NumberPath = head
    while names:
        name = str(names.pop(0))
        if table is None or table.aliases.get(name, name) not in table.entries:
            return None
        entry = table.entry(name)
        argument = str(names.pop(0)) if names else entry.number
        if argument is None:
            return None
        path = (*path, argument)
        if not names:
            return path if _may_be_free(Named(table=table.name, name=entry.name), argument) else None
        table = SCHEDULES if argument == "learning_rate" else REGULARIZERS if argument.endswith("regularizer") else None
    return None


def is_free(argument: str, value: object) -> bool:
    """Return whether a program may take this number of an argument as an input.

    0 is not free: Keras leaves out the computation for a momentum, a factor or a rate of 0. A rate of 1, which drops
    everything, is not free either: Keras uses another formula for it.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value != 0 and not (argument == "rate" and value == 1)


def _may_be_free(named: Named, argument: str) -> bool:
    return argument in _OF_TABLE.get(named.table, ()) or argument in _OF_ENTRY.get(named.name, ())
