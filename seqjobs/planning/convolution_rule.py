"""Whether a model's convolutions are as fast under XLA, lowered, as in TensorFlow's graph: a rule over a spec's layers.

Imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from seqjobs.jobspec.shapes import Shape, trace
from seqjobs.tables import Named

# A step's operations in convolutions above which oneDNN's, in the graph, make up for what the graph takes between ops:
# where TensorFlow uses it at all, which is on CPUs with AVX512-VNNI or better.
# Time of a step under XLA in proportion to the graph's, by operations, on one thread:
#   AMD EPYC 9004, with oneDNN
#                   8M: 0.53   14M: 0.6 to 1.0   27M: 1.2   32M: 0.8   54M: 1.4   150M: 0.9 to 1.0   1,100M: 1.4
#   AMD EPYC 7003, without
#                   9M: 0.57   19M: 0.29   36M: 0.29 to 0.67   150M: 0.50   250M: 0.46   930M: 0.71   1,400M: 0.80
MOST_OPERATIONS = 25_000_000

_KERNELS = {f"Conv{rank}D{kind}" for rank in (1, 2, 3) for kind in ("", "Transpose")}


def convolutions_pay(layers: Sequence[Named], input_shape: Shape, batch_size: int, *, onednn: bool) -> bool:
    """Whether XLA carries out the convolutions of a model at least about as fast as the graph does, on a CPU.

    True of a model without any. `input_shape` is that of one example; raises ShapeProblem where layers do not fit.
    """
    operations = list(_operations(layers, input_shape))
    if None in operations:
        return False
    return not onednn or batch_size * sum(count or 0 for count in operations) <= MOST_OPERATIONS


def has_convolutions(layers: Sequence[Named], input_shape: Shape) -> bool:
    """Whether any layer, or one in another, convolves."""
    return any(True for _ in _operations(layers, input_shape))


def _operations(layers: Sequence[Named], shape: Shape) -> Iterator[int | None]:
    """The operations of one example in each convolution, its gradients with it; None where it is not lowered."""
    for layer in layers:
        traced = trace(layer, shape)
        if layer.name in _KERNELS:
            places = shape[:-1] if layer.name.endswith("Transpose") else traced.output[:-1]
            known = [size for size in places if size is not None]
            # A product and a sum, forward and for the gradients of inputs and kernel.
            yield 6 * prod(traced.weights["kernel"]) * prod(known) if len(known) == len(places) else None
        inner = layer.arguments.get("layer")
        if layer.name == "TimeDistributed" and isinstance(inner, Named):
            steps = shape[0]
            for count in _operations([inner], shape[1:]):
                yield None if count is None or steps is None else steps * count
        shape = traced.output
