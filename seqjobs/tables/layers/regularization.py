"""Layers that act in training alone. Their randomness comes from the trial's seed."""

from __future__ import annotations

from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.arguments import Number

# Keras takes a rate of 1 as well, which drops everything and divides by zero in two of these layers.
_RATE = {"rate": Argument(Number(at_least=0, below=1))}
_FACTOR = Argument(Number(at_least=0), 0.0)
_NOISE_SHAPE = {"noise_shape": "every element has a mask of its own; SpatialDropout1D, 2D and 3D drop whole channels"}

REGULARIZATION = (
    Entry("Dropout", "zeroes a share of the values", _RATE, number="rate", left_out=_NOISE_SHAPE),
    *(Entry(f"SpatialDropout{rank}D", "zeroes a share of the channels", _RATE, number="rate") for rank in (1, 2, 3)),
    Entry("AlphaDropout", "keeps mean and variance, for selu", _RATE, number="rate", left_out=_NOISE_SHAPE),
    Entry("GaussianDropout", "multiplies by noise around 1", _RATE, number="rate"),
    Entry("GaussianNoise", "adds noise", {"stddev": Argument(Number(at_least=0, at_most=1))}, number="stddev"),
    Entry("ActivityRegularization", "a penalty on the values", {"l1": _FACTOR, "l2": _FACTOR}),
)
