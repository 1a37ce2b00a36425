"""Losses that a model with one output can have."""

from __future__ import annotations

from collections.abc import Iterable

from seqjobs.tables._base import Argument, Entry, Table, left_out, snake_aliases, table_of
from seqjobs.tables.arguments import Flag, Integer, ListOf, Number, OneOrMore, Optional

_POSITIVE = Number(above=0)
_UNIT = Number(at_least=0, at_most=1)
_LOGITS = {"from_logits": Argument(Flag(), False)}
_SMOOTHING = {"label_smoothing": Argument(Number(at_least=0, at_most=1), 0.0)}
_GAMMA = {"gamma": Argument(Number(at_least=0), 2.0)}
_AXES = {"axis": Argument(Optional(ListOf(Integer(at_least=-5, at_most=5))), None)}

_LAST_AXIS = {"axis": "the classes are on the last axis"}


def _same_axis(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Entries whose `axis` is left out, for the classes of a Sequential's output are on its last axis."""
    return (Entry(entry.name, entry.doc, entry.arguments, left_out=_LAST_AXIS) for entry in entries)


_PROBABILITIES = _same_axis(
    (
        Entry("BinaryCrossentropy", "targets 0 or 1", {**_LOGITS, **_SMOOTHING}),
        Entry(
            "BinaryFocalCrossentropy",
            "targets 0 or 1; easy examples count less: https://arxiv.org/abs/1708.02002",
            {
                "apply_class_balancing": Argument(Flag(), False),
                "alpha": Argument(_UNIT, 0.25),
                **_GAMMA,
                **_LOGITS,
                **_SMOOTHING,
            },
        ),
        Entry("CategoricalCrossentropy", "one-hot targets", {**_LOGITS, **_SMOOTHING}),
        Entry(
            "CategoricalFocalCrossentropy",
            "one-hot targets; easy examples count less; alpha may be one weight per class",
            {"alpha": Argument(OneOrMore(Number(at_least=0)), 0.25), **_GAMMA, **_LOGITS, **_SMOOTHING},
        ),
        Entry(
            "SparseCategoricalCrossentropy",
            "targets are class numbers",
            {**_LOGITS, "ignore_class": Argument(Optional(Integer(at_least=-1)), None)},
        ),
        Entry("CosineSimilarity", "minus the cosine of target and output"),
    )
)

_OTHERS = (
    Entry(
        "CategoricalGeneralizedCrossEntropy",
        "one-hot targets with noise: https://arxiv.org/abs/1805.07836",
        {"q": Argument(Number(above=0, below=1), 0.5)},
    ),
    Entry("CategoricalHinge", "one-hot targets"),
    Entry("Hinge", "targets -1 or 1; 0 is taken for -1"),
    Entry("SquaredHinge", "targets -1 or 1; 0 is taken for -1"),
    Entry("KLDivergence", "targets are probabilities"),
    Entry("Poisson", "targets are counts"),
    Entry("MeanSquaredError", "mean of (target - output)^2"),
    Entry("MeanAbsoluteError", "mean of |target - output|"),
    Entry("MeanAbsolutePercentageError", "mean of 100 |target - output| / |target|"),
    Entry("MeanSquaredLogarithmicError", "mean of (log(target + 1) - log(output + 1))^2"),
    Entry("Huber", "squared up to delta, linear beyond", {"delta": Argument(_POSITIVE, 1.0)}, number="delta"),
    Entry("LogCosh", "mean of log(cosh(output - target))"),
    Entry("Dice", "overlap of masks", _AXES),
    Entry(
        "Tversky",
        "overlap of masks, false positives weighted by alpha and false negatives by beta",
        {"alpha": Argument(Number(at_least=0), 0.5), "beta": Argument(Number(at_least=0), 0.5), **_AXES},
    ),
    Entry(
        "Circle",
        "targets are class numbers, outputs embeddings of norm 1: https://arxiv.org/abs/2002.10857",
        {
            "gamma": Argument(_POSITIVE, 80.0),
            "margin": Argument(_UNIT, 0.4),
            "remove_diagonal": Argument(Flag(), True),
        },
    ),
)

_ENTRIES = table_of(_PROBABILITIES, _OTHERS)

LOSSES = Table(
    name="loss",
    entries=_ENTRIES,
    aliases=snake_aliases(
        _ENTRIES,
        bce="BinaryCrossentropy",
        BCE="BinaryCrossentropy",
        kld="KLDivergence",
        KLD="KLDivergence",
        mae="MeanAbsoluteError",
        MAE="MeanAbsoluteError",
        mape="MeanAbsolutePercentageError",
        MAPE="MeanAbsolutePercentageError",
        mse="MeanSquaredError",
        MSE="MeanSquaredError",
        msle="MeanSquaredLogarithmicError",
        MSLE="MeanSquaredLogarithmicError",
    ),
    left_out={
        **left_out("it is the base class of the others", "Loss"),
        **left_out("its targets are padded sequences of labels, which no data section makes", "CTC", "ctc"),
    },
    left_out_arguments={
        "name": "names are given by seqjobs",
        "dtype": "the precision is the same for the whole model",
        "reduction": "a history is the mean over examples",
    },
)
