"""Arguments that the layers with weights share."""

from __future__ import annotations

from seqjobs.spec.problems import Path, Problems
from seqjobs.spec.tables._base import INVALID, Argument, Invalid, Named, part
from seqjobs.spec.tables.activations import activation
from seqjobs.spec.tables.arguments import Flag, Integer, Nested, Optional
from seqjobs.spec.tables.constraints import CONSTRAINTS
from seqjobs.spec.tables.initializers import INITIALIZERS
from seqjobs.spec.tables.regularizers import REGULARIZER, REGULARIZERS

# What makes or judges matrices, with the ranks of the weights it works on.
_RANKS = {"Identity": (2, 2), "Orthogonal": (2, 6), "OrthogonalRegularizer": (2, 2)}


@part
class _ForWeight(Nested):
    """An initializer, regularizer or constraint that works on a weight of `rank` axes; `rank` 0 is any."""

    rank: int = 0

    def check(self, value: object, path: Path, problems: Problems) -> Named | Invalid:
        named = super().check(value, path, problems)
        if isinstance(named, Invalid) or not self.rank:
            return named
        fewest, most = _RANKS.get(named.name, (0, 6))
        if not fewest <= self.rank <= most:
            what = f"{named.name} works on weights of {fewest} axes, and this one has {self.rank}"
            problems.add("E304", path, what, fix=f"use another {self.table.name}")
            return INVALID
        axes = named.arguments.get("axis", 0)
        for axis in axes if isinstance(axes, tuple) else (axes,):
            if isinstance(axis, int) and not -self.rank <= axis < self.rank:
                what = f"axis {axis} is not one of the {self.rank} axes of this weight, 0 to {self.rank - 1}"
                problems.add("E304", path, what, fix="give an axis that it has")
                return INVALID
        return named


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
