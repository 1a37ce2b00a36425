"""The rule that says how many trials train together in one program, and why not more.

A function of the specs, the shape of a row and the numbers of rows and trials: never of the machine or the cluster,
since the last bits of a result depend on how many places its pack has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from seqjobs.jobspec.sections import TrialSpec
from seqjobs.jobspec.shapes import Shape, trace
from seqjobs.tables import Named, complete_arguments

# What members keep in the caches together: numbers in weights and in what layers make of a batch. Measured on one
# thread of an AMD EPYC 7003, microseconds a trial and step, with Adam (tests/benchmarks/RESULTS.md has the rest):
#   30-16-1, batch 32      513 + 544 numbers      alone 88,   64 places 12,  128: 9.4,  256: 7.9
#   30-128-1             4,097 + 4,128            alone 156,  64 places 37,  128: 30,   256: 43
#   100-64-64-1, 64     10,689 + 8,256            alone 239,  32 places 112,  64: 82,   128: 98
#   100-256-128-1, 64   58,881 + 24,640           alone 592,   8 places 580,  16: 443,   64: 528
#   784-128-64-1, 32   108,801 + 6,176            alone 393,   4 places 498,  16: 528,   64: 567
MOST_NUMBERS = 2**20
MOST_PLACES = 256
MOST_NUMBERS_OF_ONE = 100_000
# Fewer places are no faster than one trial at a time.
FEWEST_PLACES = 4
# A pack is compiled for 1 to 2 s longer than one trial's steps are, by each worker.
MIN_STEPS = 40_000
# A pack keeps one worker busy until its end: so many of them at least, that workers share the trials evenly.
MIN_PACKS = 16

# SimpleRNN has its steps written out in a pack, CPU time in us a trial and step (batch 32, one thread):
#   8 units, 8 steps     alone 107,   4 places 41,    16: 24,    64: 29    compiled for 2.3 s alone, 4.5 to 4.9 in packs
#   16 units, 8 steps          159,            59,        34                           2.7            3.9 to 4.1
#   16 units, 28 steps         402,           150,       117                           3.4            6.8 to 8.2
#   32 units, 8 steps          188,            91,        80                           2.0            3.1 to 4.4
MOST_UNROLLED = 32
MIN_STEPS_UNROLLED = 80_000

# Exact in packs, and no slower there. Not here are convolutions, which gain nothing; what `tf.vectorized_map` would
# carry out one member at a time: resizing, random images; and LSTM and GRU, which gain nothing either (as above):
#   written out, LSTM of 8 units, 8 steps   alone 169, in packs of 4, 16 and 64 473, 514, 528, compiled for 15 s
#                LSTM of 32 units, 8 steps        371,             16       369
#                GRU of 32 units, 8 steps         385,             16       783
#   in a loop that XLA takes (JAX's vmap over scan), LSTM alone and in packs of 4, 16 and 64:
#     8 units, 10 steps     134,   135,   135,   147    16 units, 28 steps  1,047, 1,142, 1,208, 1,231
#    16 units, 10 steps     224,   194,   258,   403    64 units, 28 steps  4,556, 5,014, 5,904, 8,269
_LAYERS = frozenset(
    (
        *("Dense", "EinsumDense", "Embedding", "TimeDistributed", "Activation", "Flatten", "Reshape", "Permute"),
        *("RepeatVector", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Rescaling", "Normalization"),
        *("BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization"),
        *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"),
        *("GaussianNoise", "ActivityRegularization", "SimpleRNN"),
        *(f"{kind}Pooling{rank}D" for rank in (1, 2, 3) for kind in ("Max", "Average", "GlobalMax", "GlobalAverage")),
        *(f"{kind}{rank}D" for rank in (1, 2, 3) for kind in ("ZeroPadding", "Cropping", "UpSampling")),
    )
)
UNROLLED = "SimpleRNN"
_NOT_METRICS = frozenset(
    (
        *("TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"),
        *("BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"),
    )
)
# In TensorFlow's own step Keras's ScheduleFreeAdamW reads a momentum that it has changed already; a pack's would not.
_NOT_OPTIMIZERS = frozenset({"ScheduleFreeAdamW"})
_NOT_GIVEN = ("gradient_accumulation_steps", "ema_overwrite_frequency", "loss_scale_factor")


@dataclass(frozen=True, kw_only=True)
class PackSize:
    """How many places packs have; 1 means one trial at a time, and `reason` says why."""

    places: int
    reason: str = ""


def pack_size(trial: TrialSpec, feature_shape: Shape, *, train_rows: int, groups: Sequence[int]) -> PackSize:
    """The size of all packs of one program. Raises ShapeProblem where the layers do not fit.

    `groups` has how many trials may train together, for each seed; `trial` is any of them, `train_rows` are those
    before a split.
    """
    asked, trials = trial.fit.pack, sum(groups)
    reason = _obstacle(trial) or _unrolled_obstacle(trial, feature_shape)
    if reason:
        return PackSize(places=1, reason=reason)
    if isinstance(asked, int):
        return _even(asked, groups, fewest=2)
    numbers = _numbers_of_one(trial, feature_shape)
    if numbers > MOST_NUMBERS_OF_ONE:
        return PackSize(places=1, reason="models so large gain nothing from packs")
    rows = train_rows * (1 - trial.fit.validation_split)
    least = MIN_STEPS_UNROLLED if any(layer.name == UNROLLED for layer in trial.model) else MIN_STEPS
    if trials * trial.fit.epochs * rows / trial.fit.batch_size < least:
        return PackSize(places=1, reason="too few steps to repay a pack's compilation")
    return _even(min(MOST_PLACES, MOST_NUMBERS // numbers, trials // MIN_PACKS), groups, fewest=FEWEST_PLACES)


def _even(most: int, groups: Sequence[int], *, fewest: int) -> PackSize:
    """As few packs as `most` places allow, and no more places than they fill."""
    largest = max(groups)
    if min(most, largest) < fewest:
        return PackSize(places=1, reason="too few trials that could train together")
    num_packs = -(-largest // most)
    return PackSize(places=-(-largest // num_packs))


def _obstacle(trial: TrialSpec) -> str:
    """What keeps the trial from any pack."""
    if trial.fit.pack == "off":
        return "fit.pack is off"
    if trial.fit.compile not in ("auto", "xla"):
        return f"fit.compile is {trial.fit.compile}"
    for index, layer in enumerate(_layers(trial.model)):
        # What an Embedding is asked for is looked at before only if it is the first layer; XLA never does.
        if layer.name not in _LAYERS or (layer.name == "Embedding" and index > 0):
            return f"{layer.name} trains one at a time"
    optimizer = trial.compile.optimizer
    if optimizer.name in _NOT_OPTIMIZERS:
        return f"{optimizer.name} trains one at a time"
    arguments = complete_arguments(optimizer)
    for argument in _NOT_GIVEN:
        if arguments.get(argument) is not None:
            return f"{argument} trains one at a time"
    for metric in (*trial.compile.metrics, *trial.compile.weighted_metrics):
        if metric.name in _NOT_METRICS:
            return f"{metric.name} trains one at a time"
    return ""


def _unrolled_obstacle(trial: TrialSpec, shape: Shape) -> str:
    """What keeps a layer from having its steps written out, where there is one."""
    if not any(layer.name == UNROLLED for layer in _layers(trial.model)):
        return ""
    for layer in trial.model:
        arguments = complete_arguments(layer)
        if isinstance(arguments.get("layer"), Named) and any(inner.name == UNROLLED for inner in _layers([layer])):
            return f"{UNROLLED} in {layer.name} trains one at a time"
        if arguments.get("mask_zero"):
            return f"{UNROLLED} with a mask trains one at a time"
        if layer.name == UNROLLED:
            if arguments["dropout"] or arguments["recurrent_dropout"]:
                return f"{UNROLLED} with dropout trains one at a time"
            if (shape[0] or MOST_UNROLLED + 1) > MOST_UNROLLED:
                return f"{UNROLLED} over more than {MOST_UNROLLED} steps trains one at a time"
        shape = trace(layer, shape).output
    return ""


def _numbers_of_one(trial: TrialSpec, shape: Shape) -> int:
    """Numbers in the weights of a model and in what its layers make of a batch."""
    weights = values = 0
    for layer in trial.model:
        traced = trace(layer, shape)
        weights += sum(prod(weight) for weight in traced.weights.values())
        steps = (shape[0] or 1) if layer.name == UNROLLED else 1
        values += steps * prod(size or 1 for size in traced.output)
        shape = traced.output
    return weights + trial.fit.batch_size * values


def _layers(layers: Sequence[Named]) -> Iterator[Named]:
    """The layers, and those that they wrap."""
    for layer in layers:
        yield layer
        inner = layer.arguments.get("layer")
        if isinstance(inner, Named):
            yield from _layers([inner])
