"""training_memory: about how much memory a pack takes while it trains, before it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from seqjobs.jobspec.shapes import Shape, count_parameters, output_shape
from seqjobs.planning.trial import Pack

# An output is kept until its gradient is known, which has the same shape.
_COPIES_OF_OUTPUTS = 2
# A weight, its gradient, and the two averages that Adam keeps.
_COPIES_OF_WEIGHTS = 4
_BYTES_PER_NUMBER = 4  # float32


@dataclass(frozen=True, kw_only=True)
class TrainingMemory:
    """An estimate; layers take temporary memory in addition, and Python and TensorFlow some hundred MiB."""

    num_bytes: int
    batch_size: int
    layer: str
    """The layer that takes most, such as `layer 1 'Conv2D'`."""
    layer_bytes: int
    """What the weights and the outputs of this layer take, with their gradients."""

    def __str__(self) -> str:
        return (
            f"training with batches of {self.batch_size:,} rows takes about {_gib(self.num_bytes)} of memory, "
            f"of which {self.layer} takes {_gib(self.layer_bytes)}"
        )


def training_memory(pack: Pack, feature_shape: Shape, train_rows: int) -> TrainingMemory:
    """Return the estimate for one worker that trains all trials of a pack together."""
    spec, shape = pack.template.spec, feature_shape
    rows = -(-min(spec.fit.batch_size, train_rows) // pack.resources.workers)
    bytes_per_output = rows * pack.size * _COPIES_OF_OUTPUTS * _BYTES_PER_NUMBER
    bytes_per_weight = pack.size * _COPIES_OF_WEIGHTS * _BYTES_PER_NUMBER
    total, largest, name = 0, 0, ""
    for index, layer in enumerate(spec.model):
        num_bytes = count_parameters((layer,), shape) * bytes_per_weight
        shape = output_shape(layer, shape)
        num_bytes += prod(size or 1 for size in shape) * bytes_per_output
        total += num_bytes
        if num_bytes > largest:
            largest, name = num_bytes, f"layer {index} '{layer.name}'"
    return TrainingMemory(num_bytes=total, batch_size=spec.fit.batch_size, layer=name, layer_bytes=largest)


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / 2**30:,.1f} GiB"
