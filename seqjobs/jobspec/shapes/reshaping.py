"""Shapes of the layers that move, repeat, add or drop values, and of those for images."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from seqjobs.jobspec.shapes._base import (
    SPATIAL_AXES,
    Arguments,
    Rule,
    Shape,
    ShapeProblem,
    Traced,
    known,
    same,
    shown_shape,
    want_axes,
)


def _flatten(_: Arguments, shape: Shape) -> Traced:
    sizes = [size for size in shape if size is not None]
    return Traced((prod(sizes) if len(sizes) == len(shape) else None,))


def _reshape(arguments: Arguments, shape: Shape) -> Traced:
    target = arguments.integers("target_shape")
    sizes = [size for size in shape if size is not None]
    if len(sizes) < len(shape):
        return Traced(tuple(None if size == -1 else size for size in target))
    have, wanted = prod(sizes), prod(size for size in target if size != -1)
    open_axis = -1 in target
    if (have % wanted) if open_axis else (have != wanted):
        needs = f"needs {'a multiple of ' if open_axis else ''}{wanted} values for {shown_shape(target)}"
        raise ShapeProblem(needs, f"give a target_shape of {have} values, or -1 for one axis")
    return Traced(tuple(have // wanted if size == -1 else size for size in target))


def _permute(arguments: Arguments, shape: Shape) -> Traced:
    order = arguments.integers("dims")
    if len(order) != len(shape):
        raise ShapeProblem(f"needs {len(order)} axes for its dims", "name each axis of the input once, starting with 1")
    return Traced(tuple(shape[axis - 1] for axis in order))


def _repeat(arguments: Arguments, shape: Shape) -> Traced:
    want_axes(shape, ("features",))
    return Traced((arguments.integer("n"), *shape))


def _rim(name: str, rank: int, sign: int) -> Rule:
    """Padding (sign 1) or cropping (-1) of `rank` axes."""

    def rule(arguments: Arguments, shape: Shape) -> Traced:
        axes = SPATIAL_AXES[rank]
        want_axes(shape, (*axes, "channels"))
        spatial: list[int | None] = []
        for size, (before, after), axis in zip(shape[:-1], arguments.pairs(name), axes, strict=True):
            if size is not None and size + sign * (before + after) < 1:
                needs = f"needs more than {before + after} in {axis}, because it drops that many"
                raise ShapeProblem(needs, "drop less, or make the input larger")
            spatial.append(None if size is None else size + sign * (before + after))
        return Traced((*spatial, shape[-1]))

    return rule


def _up(rank: int) -> Rule:
    def rule(arguments: Arguments, shape: Shape) -> Traced:
        want_axes(shape, (*SPATIAL_AXES[rank], "channels"))
        times = arguments.integers("size")
        spatial = (None if size is None else size * by for size, by in zip(shape[:-1], times, strict=True))
        return Traced((*spatial, shape[-1]))

    return rule


def _spatial(rank: int) -> Rule:
    """A layer that keeps the shape, and needs these axes."""

    def rule(_: Arguments, shape: Shape) -> Traced:
        want_axes(shape, (*SPATIAL_AXES[rank], "channels"))
        return Traced(shape)

    return rule


def _sized(arguments: Arguments, shape: Shape) -> Traced:
    want_axes(shape, ("height", "width", "channels"))
    return Traced((arguments.integer("height"), arguments.integer("width"), shape[-1]))


def _per_channel(*names: str) -> Rule:
    """A layer that keeps the shape, and whose lists have one number for each channel."""

    def rule(arguments: Arguments, shape: Shape) -> Traced:
        for name in names:
            count = arguments.count(name)
            if count not in (None, 1) and (not shape or shape[-1] not in (None, count)):
                needs = f"needs {count} on the last axis, one for each number of {name}"
                raise ShapeProblem(needs, f"give one number, or one for each channel, as {name}")
        return Traced(shape)

    return rule


def _normalization(arguments: Arguments, shape: Shape) -> Traced:
    if shape:
        known(shape[-1], "values on the last axis")
    return _per_channel("mean", "variance")(arguments, shape)


RESHAPING: Mapping[str, Rule] = {
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat,
    **{f"ZeroPadding{rank}D": _rim("padding", rank, 1) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _rim("cropping", rank, -1) for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": _up(rank) for rank in (1, 2, 3)},
    **{f"SpatialDropout{rank}D": _spatial(rank) for rank in (1, 2, 3)},
    **dict.fromkeys(("Resizing", "CenterCrop"), _sized),
    **{
        f"Random{change}": _spatial(2)
        for change in ("Flip", "Rotation", "Zoom", "Translation", "Contrast", "Brightness")
    },
    "Rescaling": _per_channel("scale", "offset"),
    "Normalization": _normalization,
    **dict.fromkeys(("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"), same),
    **dict.fromkeys(("Activation", "ReLU", "LeakyReLU", "ELU"), same),
}
