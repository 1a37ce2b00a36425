"""Convolutions over 1, 2 or 3 axes, channels last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.tables._base import Argument, ArgumentValue, Conflict, Entry
from seqjobs.tables.arguments import Each, Integer, OneOf, Optional
from seqjobs.tables.layers._weights import BIAS, OUTPUT, SIZE, weight

# No image or sequence asks for larger steps; a larger one would only take memory.
_STEP = Integer(at_least=1, absurd=100_000)


def _numbers(value: ArgumentValue) -> tuple[int, ...]:
    return tuple(part for part in value if isinstance(part, int)) if isinstance(value, tuple) else ()


def strides_or_dilation(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    """Keras computes no convolution with both."""
    if max(_numbers(arguments["strides"])) > 1 and max(_numbers(arguments["dilation_rate"])) > 1:
        yield Conflict("dilation_rate", "strides and dilation_rate cannot both be above 1", "leave one of them at 1")


def _groups_divide_filters(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    filters, groups = arguments["filters"], arguments["groups"]
    if isinstance(filters, int) and isinstance(groups, int) and filters % groups:
        what = f"{filters} filters cannot be divided into {groups} groups of one size"
        yield Conflict("groups", what, "make filters a multiple of groups")


def _even_strides(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    strides = _numbers(arguments["strides"])
    if len(set(strides)) > 1:
        what = f"the strides {list(strides)} differ, and Keras uses one stride for all axes of this layer"
        yield Conflict("strides", what, "give one number")


def _output_padding_below_strides(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    padding, strides = _numbers(arguments["output_padding"]), _numbers(arguments["strides"])
    if any(extra >= stride for extra, stride in zip(padding, strides, strict=False)):
        yield Conflict("output_padding", "output_padding must be below strides", "give a smaller output_padding")


def padding(*words: str) -> dict[str, Argument]:
    return {"padding": Argument(OneOf(words), "valid")}


def window(rank: int) -> dict[str, Argument]:
    """The arguments of a window that slides over `rank` axes."""
    ones = (1,) * rank
    return {
        "kernel_size": Argument(Each(_STEP, rank)),
        "strides": Argument(Each(_STEP, rank), ones),
        "dilation_rate": Argument(Each(_STEP, rank), ones),
    }


_SAME = padding("valid", "same")
_MULTIPLIER = {"depth_multiplier": Argument(Integer(at_least=1, absurd=100_000), 1)}


def _convolution(rank: int) -> Entry:
    arguments = {
        "filters": SIZE,
        **window(rank),
        **(padding("valid", "same", "causal") if rank == 1 else _SAME),
        "groups": Argument(Integer(at_least=1), 1),
        **OUTPUT,
        **weight("kernel", rank=rank + 2),
        **BIAS,
    }
    rules = (strides_or_dilation, _groups_divide_filters)
    return Entry(f"Conv{rank}D", f"{rank}D convolution", arguments, rules=rules)


def _transpose(rank: int) -> Entry:
    output_padding = {"output_padding": Argument(Optional(Each(Integer(at_least=0, absurd=100_000), rank)), None)}
    arguments = {
        "filters": SIZE,
        **window(rank),
        **_SAME,
        **output_padding,
        **OUTPUT,
        **weight("kernel", rank=rank + 2),
        **BIAS,
    }
    rules = (strides_or_dilation, _output_padding_below_strides)
    return Entry(f"Conv{rank}DTranspose", f"transposed {rank}D convolution", arguments, rules=rules)


def _depthwise(rank: int) -> Entry:
    arguments = {**window(rank), **_SAME, **_MULTIPLIER, **OUTPUT, **weight("depthwise", rank=rank + 2), **BIAS}
    rules = (strides_or_dilation, _even_strides)
    return Entry(f"DepthwiseConv{rank}D", f"{rank}D convolution of each channel", arguments, rules=rules)


def _separable(rank: int) -> Entry:
    weights = {**weight("depthwise", rank=rank + 2), **weight("pointwise", rank=rank + 2), **BIAS}
    arguments = {"filters": SIZE, **window(rank), **_SAME, **_MULTIPLIER, **OUTPUT, **weights}
    doc = f"{rank}D convolution of each channel, then a convolution over the channels"
    return Entry(f"SeparableConv{rank}D", doc, arguments, rules=(strides_or_dilation, _even_strides))


CONVOLUTION = (
    *(_convolution(rank) for rank in (1, 2, 3)),
    *(_transpose(rank) for rank in (1, 2, 3)),
    *(_depthwise(rank) for rank in (1, 2)),
    *(_separable(rank) for rank in (1, 2)),
)
