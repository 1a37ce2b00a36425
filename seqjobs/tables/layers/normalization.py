"""Layers that normalize with statistics of what they see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry
from seqjobs.tables.arguments import Flag, Integer, Number, OneOrMore
from seqjobs.tables.layers._weights import AXIS, weight

_EPSILON = Number(above=0)
_AFFINE = {
    "center": Argument(Flag(), True),
    "scale": Argument(Flag(), True),
    **weight("beta", "zeros", rank=1),
    **weight("gamma", "ones", rank=1),
}
_AXES = {"axis": Argument(OneOrMore(AXIS, longest=6), -1)}

_MOVING = weight("moving_mean", "zeros", rank=1) | weight("moving_variance", "ones", rank=1)
_RENORM = "batch renormalization is not offered"


def _some_groups(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    if arguments["groups"] == 0:
        yield Conflict(
            "groups", "there must be at least one group", "give a number above 0, or -1 for one group per channel"
        )


NORMALIZATION = (
    Entry(
        "BatchNormalization",
        "mean 0 and variance 1 over the batch; moving averages when not training",
        {
            "axis": Argument(AXIS, -1),
            "momentum": Argument(Number(at_least=0, at_most=1), 0.99),
            "epsilon": Argument(_EPSILON, 0.001),
            **_AFFINE,
            **{name: argument for name, argument in _MOVING.items() if name.endswith("_initializer")},
            "synchronized": Argument(Flag(), False),
        },
        left_out={"renorm": _RENORM, "renorm_clipping": _RENORM, "renorm_momentum": _RENORM},
    ),
    Entry(
        "LayerNormalization",
        "mean 0 and variance 1 over the axes of one example",
        {**_AXES, "epsilon": Argument(_EPSILON, 0.001), **_AFFINE},
    ),
    Entry(
        "GroupNormalization",
        "mean 0 and variance 1 over groups of channels; -1 groups is one for each channel",
        {
            "groups": Argument(Integer(at_least=-1), 32),
            "axis": Argument(AXIS, -1),
            "epsilon": Argument(_EPSILON, 0.001),
            **_AFFINE,
        },
        rules=(_some_groups,),
    ),
    Entry("UnitNormalization", "norm 1", _AXES),
    Entry(
        "RMSNormalization",
        "root mean square 1: https://arxiv.org/abs/1910.07467",
        {"axis": Argument(AXIS, -1), "epsilon": Argument(_EPSILON, 1e-6)},
    ),
)
