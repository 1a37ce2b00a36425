"""The rule that says how a trial's epochs are carried out: a function of the plan, the data and the kind of device.

Never of a measured time, which would make the last bits of a result a matter of chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from seqjobs.spec.sections import TrialSpec
from seqjobs.spec.tables import Named


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

# Random numbers are slow where XLA makes them on a CPU (a dropout layer of 256 units: 10 ms a step of 64 rows, against
# 1 ms in the graph), and these layers have no lowering.
_RANDOM = {
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
}
# XLA has no deterministic gradient of a maximum over windows: with the option that makes results repeatable it refuses.
_WINDOWED_MAXIMA = {"MaxPooling1D", "MaxPooling2D", "MaxPooling3D"}
# Dropout in a cell is drawn from the cell's own generator.
_CELL_DROPOUTS = ("dropout", "recurrent_dropout")


def compilation_of(trial: TrialSpec, *, steps: int, num_gpus: int) -> Compilation:
    """How to carry out a trial, of whose program the whole plan trains `steps` batches."""
    if num_gpus > 1:
        # A program's steps know one device; Keras's `fit` spreads a batch over several.
        return Compilation.STOCK
    if trial.fit.compile != "auto":
        return Compilation(trial.fit.compile)
    if steps < MIN_XLA_STEPS:
        return Compilation.GRAPH
    if num_gpus == 0 and any(_is_slow(layer) for layer in _layers(trial.model)):
        return Compilation.GRAPH
    # XLA reads past the end of a table in silence. What an Embedding at the front is asked for, we look at before.
    if any(layer.name == "Embedding" for layer in trial.model[1:]):
        return Compilation.GRAPH
    return Compilation.XLA


def _is_slow(layer: Named) -> bool:
    """Whether XLA is slower than the graph at the layer, on a CPU."""
    return layer.name in _RANDOM or any(layer.arguments.get(name) for name in _CELL_DROPOUTS)


def _layers(layers: tuple[Named, ...]) -> Iterator[Named]:
    """The layers, and those that they wrap."""
    for layer in layers:
        yield layer
        yield from _layers(tuple(value for value in layer.arguments.values() if isinstance(value, Named)))
