"""Initializers of weights. Seeds come from the trial, never from a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry, Table, left_out, snake_aliases, table_of
from seqjobs.tables.arguments import Number, OneOf

_NUMBER = Number()
_SPREAD = Number(above=0)


def _range_is_not_empty(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    low, high = arguments["minval"], arguments["maxval"]
    if isinstance(low, float) and isinstance(high, float) and low >= high:
        yield Conflict("minval", f"minval {low:g} is not below maxval {high:g}", "make minval the smaller one")


_CONSTANT = (
    Entry("Zeros", "all zeros"),
    Entry("Ones", "all ones"),
    Entry("Constant", "one value everywhere", {"value": Argument(_NUMBER, 0.0)}, number="value"),
    Entry("Identity", "the identity matrix, for matrices only", {"gain": Argument(_NUMBER, 1.0)}, number="gain"),
)

_RANDOM = (
    Entry("GlorotNormal", "truncated normal, variance 2 / (fan_in + fan_out)"),
    Entry("GlorotUniform", "uniform, variance 2 / (fan_in + fan_out)"),
    Entry("HeNormal", "truncated normal, variance 2 / fan_in"),
    Entry("HeUniform", "uniform, variance 2 / fan_in"),
    Entry("LecunNormal", "truncated normal, variance 1 / fan_in"),
    Entry("LecunUniform", "uniform, variance 1 / fan_in"),
    Entry("Orthogonal", "an orthogonal matrix", {"gain": Argument(_NUMBER, 1.0)}, number="gain"),
    Entry(
        "RandomNormal",
        "normal",
        {"mean": Argument(_NUMBER, 0.0), "stddev": Argument(_SPREAD, 0.05)},
        number="stddev",
    ),
    Entry(
        "RandomUniform",
        "uniform in [minval, maxval)",
        {"minval": Argument(_NUMBER, -0.05), "maxval": Argument(_NUMBER, 0.05)},
        rules=(_range_is_not_empty,),
    ),
    Entry(
        "TruncatedNormal",
        "normal, drawn again beyond two standard deviations",
        {"mean": Argument(_NUMBER, 0.0), "stddev": Argument(_SPREAD, 0.05)},
        number="stddev",
    ),
    Entry(
        "VarianceScaling",
        "variance scale / fan",
        {
            "scale": Argument(_SPREAD, 1.0),
            "mode": Argument(OneOf(("fan_in", "fan_out", "fan_avg")), "fan_in"),
            "distribution": Argument(OneOf(("truncated_normal", "untruncated_normal", "uniform")), "truncated_normal"),
        },
        number="scale",
    ),
)

_ENTRIES = table_of(_CONSTANT, _RANDOM)

INITIALIZERS = Table(
    name="initializer",
    entries=_ENTRIES,
    aliases=snake_aliases(_ENTRIES, normal="RandomNormal", uniform="RandomUniform", one="Ones", zero="Zeros"),
    left_out=left_out("it makes the kernels of a spectrogram layer, which is not offered", "STFT"),
    left_out_arguments={
        "seed": "seeds come from the trial",
        "input_axes": "the axes of a kernel follow from its layer",
        "output_axes": "the axes of a kernel follow from its layer",
    },
)
