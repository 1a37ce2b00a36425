"""Arguments that the layers with weights share."""

from __future__ import annotations

from seqjobs.errors.problems import Path, Problems
from seqjobs.tables._base import INVALID, Argument, Invalid, Named, part
from seqjobs.tables.activations import activation
from seqjobs.tables.arguments import Flag, Integer, Nested, Optional
from seqjobs.tables.constraints import CONSTRAINTS
from seqjobs.tables.initializers import INITIALIZERS
from seqjobs.tables.regularizers import REGULARIZER, REGULARIZERS

# What makes or judges matrices, with the ranks of the weights it works on.
_RANKS = {"Identity": (2, 2), "Orthogonal": (2, 6), "OrthogonalRegularizer": (2, 2)}


def rank_misfit(named: Named, rank: int) -> str | None:
    """Why this initializer, regularizer or constraint cannot work on a weight of `rank` axes."""
    fewest, most = _RANKS.get(named.name, (0, 6))
    if not fewest <= rank <= most:
        return (
            f"{named.name} works on weights of {'2 axes' if most == 2 else '2 axes or more'}, and this one has {rank}"
        )
    axes = named.arguments.get("axis", 0)
    for axis in axes if isinstance(axes, tuple) else (axes,):
        if isinstance(axis, int) and not -rank <= axis < rank:
            return f"axis {axis} is not one of the {rank} axes of this weight, 0 to {rank - 1}"
    return None


@part
class _ForWeight(Nested):
    """An initializer, regularizer or constraint of a weight of `rank` axes; 0 is a rank that an argument decides."""

    rank: int = 0

    def check(self, value: object, path: Path, problems: Problems) -> Named | Invalid:
        named = super().check(value, path, problems)
        if isinstance(named, Invalid) or not self.rank or not (misfit := rank_misfit(named, self.rank)):
            return named
        problems.add("E304", path, misfit, fix=f"use another {self.table.name}")
        return INVALID


def weight(name: str, default: str = "glorot_uniform", *, rank: int) -> dict[str, Argument]:
    """The three arguments of one weight: how it starts, what it costs, what it may be."""
    return {
        f"{name}_initializer": Argument(_ForWeight(INITIALIZERS, rank), INITIALIZERS.named(default)),
        f"{name}_regularizer": Argument(Optional(_ForWeight(REGULARIZERS, rank)), None),
        f"{name}_constraint": Argument(Optional(_ForWeight(CONSTRAINTS, rank)), None),
    }


# The size of an axis that a layer makes.
SIZE = Argument(Integer(at_least=1))
# An axis of the input, counted as Keras does: axis 0 is the batch, -1 the last.
AXIS = Integer(at_least=-6, at_most=6)
OUTPUT = {
    "activation": activation(None),
    "activity_regularizer": REGULARIZER,
}
BIAS = {"use_bias": Argument(Flag(), True), **weight("bias", "zeros", rank=1)}
