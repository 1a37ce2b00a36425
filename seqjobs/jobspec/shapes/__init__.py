"""Shapes without Keras: what each layer makes of its input, in microseconds, so that mistakes show before a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from seqjobs.errors.problems import Path, Problems
from seqjobs.jobspec.shapes._base import Arguments, Rule, Shape, ShapeProblem, Traced, shown_shape
from seqjobs.jobspec.shapes.dense import DENSE
from seqjobs.jobspec.shapes.normalization import NORMALIZATION
from seqjobs.jobspec.shapes.recurrent import RECURRENT
from seqjobs.jobspec.shapes.reshaping import RESHAPING
from seqjobs.jobspec.shapes.windows import WINDOWS
from seqjobs.tables import Named

# Weights, and values of one example between two layers: more than any one machine trains.
MAX_PARAMETERS = 10**11
MAX_VALUES = 10**10


def _bidirectional(arguments: Arguments, shape: Shape) -> Traced:
    one = trace(arguments.layer("layer"), shape)
    weights = {f"{way}_{name}": weight for way in ("forward", "backward") for name, weight in one.weights.items()}
    if arguments.word("merge_mode") != "concat":
        return Traced(one.output, weights)
    last = one.output[-1]
    return Traced((*one.output[:-1], None if last is None else 2 * last), weights)


def _time_distributed(arguments: Arguments, shape: Shape) -> Traced:
    if len(shape) < 2:
        needs = "needs (steps, ...), with the steps on the first axis"
        raise ShapeProblem(needs, "remove the wrapper, or put a Reshape with an axis of steps before it")
    one = trace(arguments.layer("layer"), shape[1:])
    return Traced((shape[0], *one.output), one.weights)


RULES: Mapping[str, Rule] = {
    **DENSE,
    **WINDOWS,
    **RESHAPING,
    **NORMALIZATION,
    **RECURRENT,
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
}


def trace(layer: Named, input_shape: Shape) -> Traced:
    """The output's shape and the weights' shapes of one layer; raises ShapeProblem."""
    return RULES[layer.name](Arguments(layer), input_shape)


def output_shape(layer: Named, input_shape: Shape) -> Shape:
    """The shape that a layer makes of one example, the batch left out; raises ShapeProblem."""
    return trace(layer, input_shape).output


def count_parameters(layers: Sequence[Named], input_shape: Shape) -> int:
    """How many numbers the weights of a model hold, as Keras's `count_params`; raises ShapeProblem."""
    total, shape = 0, input_shape
    for layer in layers:
        traced = trace(layer, shape)
        total, shape = total + _num_parameters(traced), traced.output
    return total


def check_model(layers: Sequence[Named], input_shape: Shape, path: Path, problems: Problems) -> Shape | None:
    """The model's output shape; notes the first layer that cannot take its input (E309), for no later one can be told.

    A model too large for any machine is a problem as well (E502).
    """
    shape, total = input_shape, 0
    for index, layer in enumerate(layers):
        try:
            traced = trace(layer, shape)
        except ShapeProblem as problem:
            source = f"layer {index - 1} '{layers[index - 1].name}' gives" if index else "the input has"
            what = f"layer {index} '{layer.name}' {problem.needs}, but {source} {shown_shape(shape)}"
            fix = _keep_the_sequence(layers, index, shape) or problem.fix
            problems.add("E309", (*path, index), what, fix=fix)
            return None
        shape, total = traced.output, total + _num_parameters(traced)
        if total > MAX_PARAMETERS or prod(size or 1 for size in shape) > MAX_VALUES:
            what = (
                f"with layer {index} '{layer.name}' the model has {total:,} parameters and makes {shown_shape(shape)}"
            )
            problems.add("E502", (*path, index), what, fix="make the layer smaller")
            return None
    return shape


def _num_parameters(traced: Traced) -> int:
    return sum(prod(weight) for weight in traced.weights.values())


def _keep_the_sequence(layers: Sequence[Named], index: int, shape: Shape) -> str:
    """The likeliest mistake before a layer that wants a sequence: a recurrent one that gives its last output alone."""
    if not index or len(shape) != 1:
        return ""
    before = layers[index - 1]
    inner = before.arguments.get("layer")
    recurrent = inner if isinstance(inner, Named) else before
    if recurrent.name not in RECURRENT or layers[index].name in ("Dense", "Embedding"):
        return ""
    return f"add return_sequences: true to layer {index - 1} '{before.name}'"


__all__ = ["MAX_PARAMETERS", "Shape", "ShapeProblem", "check_model", "count_parameters", "output_shape", "shown_shape"]
