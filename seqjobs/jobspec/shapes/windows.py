"""Shapes of the layers that slide a window: convolutions and pooling, and recurrent convolutions."""

from __future__ import annotations

from collections.abc import Mapping

from seqjobs.jobspec.shapes._base import (
    SPATIAL_AXES,
    Arguments,
    Rule,
    Shape,
    ShapeProblem,
    Traced,
    WeightShape,
    known,
    want_axes,
)


def _slide(size: int | None, reach: int, stride: int, padding: str, axis: str) -> int | None:
    """How many places a window that reaches over so many positions has on an axis."""
    if size is None:
        return None
    if padding != "valid":
        return (size - 1) // stride + 1
    if size < reach:
        fix = "make the window smaller, take out a pooling layer or stride before it, or use padding: same"
        raise ShapeProblem(f"needs at least {reach} in {axis} for its window", fix)
    return (size - reach) // stride + 1


def _reaches(arguments: Arguments) -> tuple[int, ...]:
    """How many positions the kernel reaches over on each axis."""
    sizes, dilations = arguments.integers("kernel_size"), arguments.integers("dilation_rate")
    return tuple(dilation * (size - 1) + 1 for size, dilation in zip(sizes, dilations, strict=True))


def _slide_all(arguments: Arguments, spatial: Shape) -> Shape:
    axes, padding = SPATIAL_AXES[len(spatial)], arguments.word("padding")
    windows = zip(spatial, _reaches(arguments), arguments.integers("strides"), axes, strict=True)
    return tuple(_slide(size, reach, stride, padding, axis) for size, reach, stride, axis in windows)


def _bias(arguments: Arguments, size: int) -> dict[str, WeightShape]:
    return {"bias": (size,)} if arguments.given("use_bias") else {}


def _channels(shape: Shape, rank: int) -> int:
    want_axes(shape, (*SPATIAL_AXES[rank], "channels"))
    return known(shape[-1], "channels")


def _convolution(rank: int) -> Rule:
    def rule(arguments: Arguments, shape: Shape) -> Traced:
        channels, filters, groups = _channels(shape, rank), arguments.integer("filters"), arguments.integer("groups")
        if channels % groups:
            fix = "change groups, or the number of channels before it"
            raise ShapeProblem(f"needs a number of channels that its {groups} groups divide", fix)
        kernel = (*arguments.integers("kernel_size"), channels // groups, filters)
        weights = {"kernel": kernel, **_bias(arguments, filters)}
        return Traced((*_slide_all(arguments, shape[:-1]), filters), weights)

    return rule


def _stretch(size: int | None, reach: int, stride: int, padding: str, extra: int | None) -> int | None:
    """How long an axis gets when a window of this reach is laid out from each of its places."""
    if size is None:
        return None
    if padding == "valid":
        return (size - 1) * stride + reach + (max(stride - reach, 0) if extra is None else extra)
    return size * stride if extra is None else (size - 1) * stride + reach % 2 + extra


def _transpose(rank: int) -> Rule:
    def rule(arguments: Arguments, shape: Shape) -> Traced:
        channels, filters = _channels(shape, rank), arguments.integer("filters")
        reaches, strides = _reaches(arguments), arguments.integers("strides")
        extras = arguments.integers("output_padding") or (None,) * rank
        padding = arguments.word("padding")
        axes = zip(shape[:-1], reaches, strides, extras, strict=True)
        spatial = tuple(_stretch(size, reach, stride, padding, extra) for size, reach, stride, extra in axes)
        if any(size is not None and size < 1 for size in spatial):
            raise ShapeProblem("needs a larger input for its output_padding", "remove output_padding")
        weights = {"kernel": (*arguments.integers("kernel_size"), filters, channels), **_bias(arguments, filters)}
        return Traced((*spatial, filters), weights)

    return rule


def _depthwise(rank: int) -> Rule:
    def rule(arguments: Arguments, shape: Shape) -> Traced:
        channels, multiplier = _channels(shape, rank), arguments.integer("depth_multiplier")
        kernel = (*arguments.integers("kernel_size"), channels, multiplier)
        weights = {"depthwise": kernel, **_bias(arguments, channels * multiplier)}
        return Traced((*_slide_all(arguments, shape[:-1]), channels * multiplier), weights)

    return rule


def _separable(rank: int) -> Rule:
    def rule(arguments: Arguments, shape: Shape) -> Traced:
        channels, filters = _channels(shape, rank), arguments.integer("filters")
        multiplier = arguments.integer("depth_multiplier")
        weights = {
            "depthwise": (*arguments.integers("kernel_size"), channels, multiplier),
            "pointwise": (*(1,) * rank, channels * multiplier, filters),
            **_bias(arguments, filters),
        }
        return Traced((*_slide_all(arguments, shape[:-1]), filters), weights)

    return rule


def _pooling(rank: int) -> Rule:
    def rule(arguments: Arguments, shape: Shape) -> Traced:
        axes = SPATIAL_AXES[rank]
        want_axes(shape, (*axes, "channels"))
        windows, padding = arguments.integers("pool_size"), arguments.word("padding")
        strides = arguments.integers("strides") or windows
        spatial = tuple(
            _slide(size, window, stride, padding, axis)
            for size, window, stride, axis in zip(shape[:-1], windows, strides, axes, strict=True)
        )
        return Traced((*spatial, shape[-1]))

    return rule


def _global_pooling(rank: int) -> Rule:
    def rule(arguments: Arguments, shape: Shape) -> Traced:
        want_axes(shape, (*SPATIAL_AXES[rank], "channels"))
        return Traced((*((1,) * rank if arguments.given("keepdims") else ()), shape[-1]))

    return rule


def _recurrent_convolution(rank: int) -> Rule:
    def rule(arguments: Arguments, shape: Shape) -> Traced:
        spatial_axes = SPATIAL_AXES[rank] if rank > 1 else ("length",)
        want_axes(shape, ("time", *spatial_axes, "channels"))
        for size, axis in zip(shape[1:], (*spatial_axes, "channels"), strict=True):
            known(size, axis)
        channels, filters = known(shape[-1], "channels"), arguments.integer("filters")
        kernel = arguments.integers("kernel_size")
        weights = {
            "kernel": (*kernel, channels, 4 * filters),
            "recurrent": (*kernel, filters, 4 * filters),
            **_bias(arguments, 4 * filters),
        }
        output = (*_slide_all(arguments, shape[1:-1]), filters)
        return Traced((shape[0], *output) if arguments.given("return_sequences") else output, weights)

    return rule


WINDOWS: Mapping[str, Rule] = {
    **{f"Conv{rank}D": _convolution(rank) for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": _transpose(rank) for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": _depthwise(rank) for rank in (1, 2)},
    **{f"SeparableConv{rank}D": _separable(rank) for rank in (1, 2)},
    **{f"{kind}Pooling{rank}D": _pooling(rank) for kind in ("Max", "Average") for rank in (1, 2, 3)},
    **{f"Global{kind}Pooling{rank}D": _global_pooling(rank) for kind in ("Max", "Average") for rank in (1, 2, 3)},
    **{f"ConvLSTM{rank}D": _recurrent_convolution(rank) for rank in (1, 2)},
}
