"""Layers that wrap another layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry, Named, Table
from seqjobs.tables.arguments import OneOf, Wrapped

_BOTH_WAYS = ("SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D")


def _wraps_recurrent(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    layer = arguments["layer"]
    if isinstance(layer, Named) and layer.name not in _BOTH_WAYS:
        what = f"Bidirectional wraps a recurrent layer, not {layer.name}"
        yield Conflict("layer", what, f"use one of {', '.join(_BOTH_WAYS)}")
    if isinstance(layer, Named) and layer.arguments.get("go_backwards"):
        yield Conflict("layer", "Bidirectional goes backwards itself", f"remove go_backwards from {layer.name}")


def wrappers(layers: Callable[[], Table]) -> tuple[Entry, ...]:
    """The wrappers; `layers` gives the table they are part of, once it is made."""
    layer = {"layer": Argument(Wrapped(layers))}
    merge_mode = Argument(OneOf(("concat", "sum", "mul", "ave")), "concat")
    return (
        Entry(
            "Bidirectional",
            "a recurrent layer forwards, and the same layer backwards",
            {**layer, "merge_mode": merge_mode},
            rules=(_wraps_recurrent,),
            left_out={
                "weights": "a model starts from its initializers",
                "backward_layer": "the backward layer has the arguments of the forward one",
            },
        ),
        Entry("TimeDistributed", "a layer on each step of the first axis", layer),
    )
