"""The rule that says how a trial's epochs are carried out.

A function of the plan, the number and shape of rows and the kind of device; never of a measured time, which would make
the last bits of a result a matter of chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from seqjobs.jobspec.sections import TrialSpec
from seqjobs.jobspec.shapes import Shape
from seqjobs.planning.convolution_rule import convolutions_pay, has_convolutions
from seqjobs.tables import Named, complete_arguments


class Compilation(StrEnum):
    """How a trial's steps are carried out; the last bits of its numbers depend on it."""

    XLA = "xla"
    """Compiled epochs, by XLA."""
    GRAPH = "graph"
    """Compiled epochs, by TensorFlow's graph executor."""
    EAGER = "eager"
    """The same steps, op by op: slow, and what a debugger can follow."""
    MIRRORED = "mirrored"
    """Compiled epochs by the graph executor, with each batch spread over the worker's devices."""
    STOCK = "stock"
    """Keras's own `fit`: the reference that the others are compared with."""


# What XLA costs and saves, on one thread of an AMD EPYC 9004: seconds to compile more than the graph, then milliseconds
# of a step in the graph and by XLA. Each worker compiles for itself.
#   30-16-1, batch 32            0.7   0.07   0.01    repaid after 12,000 steps
#   784-128-64-1, batch 32       0.7   0.42   0.25    4,400
#   100-256-dropout-128-10, 64   1.2   0.51   0.30    6,000
#   the same, normalized         1.8   0.89   0.39    3,600
#   LSTM(64), 28 steps, 32       1.6   4.2    2.5       900
#   GRU(64), 28 steps, 32        1.4   5.6    2.1       400
MIN_XLA_STEPS = 10_000
MIN_XLA_STEPS_RECURRENT = 2_000
# Convolutions where TensorFlow has no oneDNN: at 8 to 64 filters of 3x3 a step takes 1.7 to 18 ms less, and compiling
# 0.5 to 1 s more (one thread of an AMD EPYC 7003).
MIN_XLA_STEPS_CONVOLUTION = 600
_RECURRENT = {"GRU", "LSTM", "SimpleRNN", "ConvLSTM1D"}

# What XLA has no form for on a CPU, or one that takes longer than the graph's: times of a step in proportion.
_SLOW = {
    "Conv3DTranspose",  # 3.7
    "ConvLSTM2D",  # 1.8
    "DepthwiseConv1D",  # 17
    "DepthwiseConv2D",  # 126
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "Resizing",
    "SeparableConv1D",  # 12
    "SeparableConv2D",  # 132
}


class Compiler(StrEnum):
    """What `fit.compile: auto` comes to on a CPU. A plan fixes it before anything trains, as part of a trial's ID."""

    GRAPH = "graph"
    XLA = "xla"
    XLA_WITHOUT_ONEDNN = "xla-without-onednn"
    """XLA where TensorFlow has no oneDNN, whose convolutions are worth the graph; the graph where it has."""


def compiler_for(trial: TrialSpec, feature_shape: Shape, *, steps: float) -> Compiler:
    """Choose the compiler of a trial, of whose program the whole plan trains `steps` batches.

    With another `fit.compile` than `auto` there is nothing to choose. Raises ShapeProblem where the layers do not fit.
    """
    layers = tuple(_layers(trial.model))
    if trial.fit.compile != "auto" or any(map(_is_slow, layers)):
        return Compiler.GRAPH
    # XLA reads past the end of a table in silence. What an Embedding at the front is asked for, we look at before.
    if any(layer.name == "Embedding" for layer in layers if layer is not trial.model[0]):
        return Compiler.GRAPH
    for onednn, compiler in ((True, Compiler.XLA), (False, Compiler.XLA_WITHOUT_ONEDNN)):
        is_repaid = steps >= _min_steps(trial, layers, feature_shape, onednn=onednn)
        if is_repaid and convolutions_pay(trial.model, feature_shape, trial.fit.batch_size, onednn=onednn):
            return compiler
    return Compiler.GRAPH


def compilation_of(
    trial: TrialSpec, compiler: Compiler, *, num_gpus: int, replicas: int, onednn: bool, smallest_batch: int
) -> Compilation:
    """How a worker carries out a trial of this compiler.

    `replicas` is over how many devices a batch is spread; `onednn` whether TensorFlow uses oneDNN on this CPU, which
    decides how fast convolutions are in the graph; `smallest_batch` the rows of the smallest batch of training or
    validation.
    """
    if replicas > 1:
        # Else Keras's `fit` spreads a batch over the devices.
        return Compilation.MIRRORED if _mirrors(trial, smallest_batch >= replicas) else Compilation.STOCK
    if trial.fit.compile != "auto":
        return Compilation(trial.fit.compile)
    # On a GPU some ops have no deterministic form under XLA, which is why Keras too does without it then
    # (keras/src/trainers/trainer.py, model_supports_jit).
    if num_gpus == 1 or compiler is Compiler.GRAPH or (compiler is Compiler.XLA_WITHOUT_ONEDNN and onednn):
        return Compilation.GRAPH
    return Compilation.XLA


def _mirrors(trial: TrialSpec, rows_for_all: bool) -> bool:
    asked = trial.fit.compile in ("auto", "graph")
    return asked and rows_for_all and _counts_all_rows(trial) and all(map(_spreads, _layers(trial.model)))


def _counts_all_rows(trial: TrialSpec) -> bool:
    # Else Keras divides a loss by the rows that are not ignored, of which each device would know its own alone.
    return complete_arguments(trial.compile.loss).get("ignore_class") is None


def _spreads(layer: Named) -> bool:
    # A penalty on outputs is a sum over rows, but for one: that is of products of all pairs of rows.
    penalty = layer.arguments.get("activity_regularizer")
    return not (isinstance(penalty, Named) and penalty.name == "OrthogonalRegularizer")


def _min_steps(trial: TrialSpec, layers: Iterable[Named], feature_shape: Shape, *, onednn: bool) -> int:
    if any(layer.name in _RECURRENT for layer in layers):
        return MIN_XLA_STEPS_RECURRENT
    if not onednn and has_convolutions(trial.model, feature_shape):
        return MIN_XLA_STEPS_CONVOLUTION
    return MIN_XLA_STEPS


def _is_slow(layer: Named) -> bool:
    # Lowerings know channels behind the others alone; steps written out one by one take long to compile.
    channels_first = layer.arguments.get("data_format") == "channels_first"
    return layer.name in _SLOW or channels_first or layer.arguments.get("unroll") is True


def _layers(layers: Iterable[Named]) -> Iterator[Named]:
    """The layers, and those that they wrap."""
    for layer in layers:
        yield layer
        yield from _layers(value for value in layer.arguments.values() if isinstance(value, Named))
