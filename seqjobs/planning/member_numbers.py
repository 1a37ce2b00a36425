"""The numbers of a trial that may differ between members of a pack: its program takes them as tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from seqjobs.jobspec.sections import TrialSpec
from seqjobs.tables import ArgumentValue, Named, complete_arguments

Path = tuple[str | int, ...]
"""Where a number stands: `("compile", "optimizer", "beta_1")`, `("model", 1, "kernel_regularizer", "l2")`."""

LEARNING_RATE: Path = ("compile", "optimizer", "learning_rate")

# By entry, or for all entries of a table. Not here: what shapes a graph, as steps and flags do, and what stands in no
# formula but in an initial value. Keras reads each of these from an attribute of the argument's name.
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
_OWN = "a number of its own"


def member_numbers(trial: TrialSpec) -> dict[Path, float]:
    """The numbers of a trial that its pack's other members may have otherwise, in an order that its program fixes."""
    return dict(_numbers(trial))


def _numbers(trial: TrialSpec) -> Iterator[tuple[Path, float]]:
    yield from _in_entry(trial.compile.optimizer, ("compile", "optimizer"))
    for index, layer in enumerate(trial.model):
        yield from _in_entry(layer, ("model", index))


def _in_entry(named: Named, path: Path) -> Iterator[tuple[Path, float]]:
    for argument, value in complete_arguments(named).items():
        place = (*path, argument)
        if isinstance(value, Named):
            if value.table in ("schedule", "regularizer"):
                yield from _in_entry(value, place)
        elif _is_own(named, argument, value):
            yield place, float(value)  # type: ignore[arg-type]


def without_numbers(named: Named) -> Named:
    """A layer or an optimizer with what all members of a pack have in common.

    0 is no number of one's own: Keras leaves out what a momentum, a factor or a rate of 0 would do.
    """
    arguments: dict[str, ArgumentValue] = dict(named.arguments)
    for argument, value in complete_arguments(named).items():
        if isinstance(value, Named) and value.table in ("schedule", "regularizer"):
            arguments[argument] = without_numbers(value)
        elif _is_own(named, argument, value):
            arguments[argument] = _OWN
    return replace(named, arguments=arguments)


def _is_own(named: Named, argument: str, value: ArgumentValue) -> bool:
    may_differ = argument in _OF_TABLE.get(named.table, ()) or argument in _OF_ENTRY.get(named.name, ())
    if not may_differ or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # Of a rate of 1, which drops everything, Keras has its own idea.
    return value != 0 and not (argument == "rate" and value == 1)
