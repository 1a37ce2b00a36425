"""Recurrent layers over the first axis of an example."""

from __future__ import annotations

from seqjobs.tables._base import Argument, Entry
from seqjobs.tables.activations import activation
from seqjobs.tables.arguments import Flag, Number
from seqjobs.tables.layers._weights import BIAS, SIZE, weight
from seqjobs.tables.layers.convolution import padding, strides_or_dilation, window
from seqjobs.tables.regularizers import REGULARIZER

_RATE = Argument(Number(at_least=0, below=1), 0.0)
_GATE = {"recurrent_activation": activation("sigmoid")}
_FORGET = {"unit_forget_bias": Argument(Flag(), True)}
_UNROLL = {"unroll": Argument(Flag(), False)}

_LEFT_OUT = {
    "return_state": "a layer of a Sequential has one output",
    "stateful": "batches are shuffled, so no state may pass from one batch to the next",
}
_GATED = {**_LEFT_OUT, "use_cudnn": "the worker's device decides"}

_RECURRENT = {
    "activation": activation("tanh"),
    **BIAS,
    "activity_regularizer": REGULARIZER,
    "dropout": _RATE,
    "recurrent_dropout": _RATE,
    "return_sequences": Argument(Flag(), False),
    "go_backwards": Argument(Flag(), False),
}


def _weights(rank: int) -> dict[str, Argument]:
    return {**weight("kernel", rank=rank), **weight("recurrent", "orthogonal", rank=rank)}


_UNITS = {"units": SIZE, **_RECURRENT, **_UNROLL, **_weights(2)}


def _convolutional(rank: int) -> Entry:
    window_arguments = {"filters": SIZE, **window(rank), **padding("valid", "same")}
    arguments = {**window_arguments, **_GATE, **_FORGET, **_RECURRENT, **_weights(rank + 2)}
    doc = f"LSTM whose weights are {rank}D convolutions"
    return Entry(f"ConvLSTM{rank}D", doc, arguments, rules=(strides_or_dilation,), left_out=_LEFT_OUT)


RECURRENT = (
    Entry("SimpleRNN", "the output is fed back", _UNITS, left_out=_LEFT_OUT),
    Entry("LSTM", "long short-term memory", {**_UNITS, **_GATE, **_FORGET}, left_out=_GATED),
    Entry("GRU", "gated recurrent unit", {**_UNITS, **_GATE, "reset_after": Argument(Flag(), True)}, left_out=_GATED),
    *(_convolutional(rank) for rank in (1, 2)),
)
