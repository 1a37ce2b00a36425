"""The rule that says how a trial's epochs are carried out: a function of the plan, the data and the kind of device.

Never of a measured time, which would make the last bits of a result a matter of chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from seqjobs.spec.sections import TrialSpec
from seqjobs.spec.tables import Named
from seqjobs.training.lowerings import LOWERED


class Compilation(StrEnum):
    """How a trial's steps are carried out; the last bits of its numbers depend on it."""

    XLA = "xla"
    """Compiled epochs, by XLA."""
    GRAPH = "graph"
    """Compiled epochs, by TensorFlow's graph executor."""
    EAGER = "eager"
    """The same steps, op by op: slow, and what a debugger can follow."""
    STOCK = "stock"
    """Keras's own `fit`: the reference that the others are compared with."""


# XLA takes 1.2 s longer than the graph to compile the epochs of a 30-16-1 classifier, the smallest of models, and saves
# 0.13 ms a step of it. Larger models take longer to compile and save more a step, in about the same proportion.
MIN_XLA_STEPS = 10_000

# What XLA has no fast form for on a CPU, and we no lowering: transformed images and their random numbers, convolutions
# of single channels (loops, where the graph has a kernel), cells with convolutions.
_SLOW = {
    "ConvLSTM1D",
    "ConvLSTM2D",
    "Conv3DTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
}
# Dropout in a cell is drawn by Keras's generator, which XLA makes slow: 10 ms for 64 x 256 draws, 1 ms in the graph.
_CELL_DROPOUTS = ("dropout", "recurrent_dropout")


def compilation_of(trial: TrialSpec, *, steps: int, num_gpus: int) -> Compilation:
    """How to carry out a trial, of whose program the whole plan trains `steps` batches."""
    if num_gpus > 1:
        # A program's steps know one device; Keras's `fit` spreads a batch over several.
        return Compilation.STOCK
    if trial.fit.compile != "auto":
        return Compilation(trial.fit.compile)
    if num_gpus == 1 or steps < MIN_XLA_STEPS or any(_keeps_from_xla(layer) for layer in _layers(trial.model)):
        # On a GPU some ops have no deterministic form under XLA, which is why Keras too does without it then
        # (keras/src/trainers/trainer.py, model_supports_jit).
        return Compilation.GRAPH
    # XLA reads past the end of a table in silence. What an Embedding at the front is asked for, we look at before.
    if any(layer.name == "Embedding" for layer in _layers(trial.model) if layer is not trial.model[0]):
        return Compilation.GRAPH
    return Compilation.XLA


def _keeps_from_xla(layer: Named) -> bool:
    channels_first = layer.arguments.get("data_format") == "channels_first"
    grouped = layer.arguments.get("groups", 1) != 1 and layer.name in LOWERED
    drops = any(layer.arguments.get(name) for name in _CELL_DROPOUTS)
    return layer.name in _SLOW or channels_first or grouped or drops


def _layers(layers: Iterable[Named]) -> Iterator[Named]:
    """The layers, and those that they wrap."""
    for layer in layers:
        yield layer
        yield from _layers(value for value in layer.arguments.values() if isinstance(value, Named))
