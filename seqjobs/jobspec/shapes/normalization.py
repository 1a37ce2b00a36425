"""Shapes of normalization layers, and of the activations that have an axis or weights."""

from __future__ import annotations

from collections.abc import Mapping

from seqjobs.jobspec.shapes._base import Arguments, Rule, Shape, ShapeProblem, Traced, WeightShape, index_of_axis, known


def _size(axis: int, shape: Shape) -> int:
    return known(shape[index_of_axis(axis, shape)], f"values on axis {axis}")


def _affine(arguments: Arguments, shape: WeightShape) -> dict[str, WeightShape]:
    used = {"gamma": arguments.given("scale"), "beta": arguments.given("center")}
    return {name: shape for name, is_used in used.items() if is_used}


def _batch(arguments: Arguments, shape: Shape) -> Traced:
    size = (_size(arguments.integer("axis"), shape),)
    return Traced(shape, {**_affine(arguments, size), "moving_mean": size, "moving_variance": size})


def _layer(arguments: Arguments, shape: Shape) -> Traced:
    sizes = tuple(_size(axis, shape) for axis in arguments.integers("axis"))
    return Traced(shape, _affine(arguments, sizes))


def _group(arguments: Arguments, shape: Shape) -> Traced:
    size = _size(arguments.integer("axis"), shape)
    groups = size if arguments.integer("groups") == -1 else arguments.integer("groups")
    if size % groups:
        needs = f"needs a number of channels that its {groups} groups divide"
        raise ShapeProblem(needs, f"give groups that divide {size}, or -1 for one group per channel")
    return Traced(shape, _affine(arguments, (size,)))


def _rms(arguments: Arguments, shape: Shape) -> Traced:
    return Traced(shape, {"scale": (_size(arguments.integer("axis"), shape),)})


def _any_axes(arguments: Arguments, shape: Shape) -> Traced:
    for axis in arguments.integers("axis"):
        index_of_axis(axis, shape)
    return Traced(shape)


def _prelu(arguments: Arguments, shape: Shape) -> Traced:
    shared = {index_of_axis(axis, shape) for axis in arguments.integers("shared_axes")}
    alpha = (1 if index in shared else known(size, f"values on axis {index + 1}") for index, size in enumerate(shape))
    return Traced(shape, {"alpha": tuple(alpha)})


NORMALIZATION: Mapping[str, Rule] = {
    "BatchNormalization": _batch,
    "LayerNormalization": _layer,
    "GroupNormalization": _group,
    "RMSNormalization": _rms,
    "UnitNormalization": _any_axes,
    "Softmax": _any_axes,
    "PReLU": _prelu,
}
