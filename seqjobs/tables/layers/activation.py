"""Activations as layers, with the arguments that the bare functions cannot be given."""

from __future__ import annotations

from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.activations import REQUIRED_ACTIVATION
from seqjobs.tables.arguments import Integer, ListOf, Number, Optional
from seqjobs.tables.layers._weights import AXIS, weight

_SLOPE = Number(at_least=0)

ACTIVATION = (
    Entry("Activation", "an activation by its name", {"activation": REQUIRED_ACTIVATION}),
    Entry(
        "ReLU",
        "max(x, 0), with a slope below, a threshold and a ceiling",
        {
            "max_value": Argument(Optional(_SLOPE), None),
            "negative_slope": Argument(_SLOPE, 0.0),
            "threshold": Argument(_SLOPE, 0.0),
        },
    ),
    Entry("LeakyReLU", "a slope below zero", {"negative_slope": Argument(_SLOPE, 0.3)}, number="negative_slope"),
    Entry(
        "PReLU",
        "a trained slope below zero; one for each value, or shared over axes (the first is 1)",
        {
            **weight("alpha", "zeros", rank=1),
            "shared_axes": Argument(Optional(ListOf(Integer(at_least=1, at_most=6))), None),
        },
    ),
    Entry("ELU", "exponential below zero", {"alpha": Argument(Number(at_least=0), 1.0)}, number="alpha"),
    Entry("Softmax", "probabilities over one axis", {"axis": Argument(AXIS, -1)}),
)
