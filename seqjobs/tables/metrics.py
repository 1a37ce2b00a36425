"""Metrics: what a history has a column of, each one number an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.errors.problems import Path, Problems
from seqjobs.tables._base import (
    Argument,
    ArgumentValue,
    Conflict,
    Entry,
    Named,
    Table,
    left_out,
    snake_aliases,
    snake_case,
    table_of,
)
from seqjobs.tables.arguments import Flag, Integer, ListOf, Number, OneOf, Optional, is_list

_UNIT = Number(at_least=0, at_most=1)
_LOGITS = {"from_logits": Argument(Flag(), False)}
_SMOOTHING = {"label_smoothing": Argument(_UNIT, 0.0)}
_IGNORE = {"ignore_class": Argument(Optional(Integer(at_least=-1)), None)}
_CLASS = {"class_id": Argument(Optional(Integer(at_least=0)), None)}
_NUM_THRESHOLDS = {"num_thresholds": Argument(Integer(at_least=2, absurd=100_000), 200)}
# Keras also takes a list of thresholds; the result is then a list, which no history column can hold.
_ONE_THRESHOLD = {"thresholds": Argument(Optional(_UNIT), None)}
_TOP = {"k": Argument(Integer(at_least=1), 5)}
_CLASSES = {"num_classes": Argument(Integer(at_least=2))}
_CLASS_IDS = ListOf(Integer(at_least=0))
_SPARSE_TRUE = {"sparse_y_true": Argument(Flag(), True)}

_LAST_AXIS = {"axis": "the classes are on the last axis"}


def _ids_are_classes(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    ids, classes = arguments["target_class_ids"], arguments["num_classes"]
    if isinstance(ids, tuple) and isinstance(classes, int):
        for wrong in (number for number in ids if isinstance(number, int) and number >= classes):
            what = f"class {wrong} is not one of the {classes} classes, 0 to {classes - 1}"
            yield Conflict("target_class_ids", what, "give numbers of classes, or a larger num_classes")


def _labels_need_multi_label(arguments: Mapping[str, ArgumentValue]) -> Iterator[Conflict]:
    for name in ("num_labels", "label_weights"):
        if arguments[name] is not None and not arguments["multi_label"]:
            yield Conflict(name, f"{name} is only for multi_label", "remove it, or add multi_label: true")


def _at(name: str) -> Entry:
    """`PrecisionAtRecall` and its like: the one where the other has the given value."""
    own = {name.partition("At")[2].lower(): Argument(_UNIT), **_NUM_THRESHOLDS, **_CLASS}
    return Entry(name, f"the best {name.partition('At')[0].lower()} at a given {name.partition('At')[2].lower()}", own)


def _f_score(name: str, own: Mapping[str, Argument]) -> Entry:
    arguments = {
        # Without an average Keras gives one number a class, which no history column can hold.
        "average": Argument(OneOf(("micro", "macro", "weighted"))),
        "threshold": Argument(Optional(Number(above=0, at_most=1)), None),
        **own,
    }
    return Entry(name, "harmonic mean of precision and recall", arguments, made_required=frozenset({"average"}))


_ACCURACIES = (
    Entry("accuracy", "binary, categorical or sparse categorical accuracy, by the shapes of target and output"),
    Entry("acc", "accuracy, under a shorter name"),
    Entry("Accuracy", "how often the output equals the target"),
    Entry("BinaryAccuracy", "targets 0 or 1", {"threshold": Argument(_UNIT, 0.5)}, number="threshold"),
    Entry("CategoricalAccuracy", "one-hot targets"),
    Entry("SparseCategoricalAccuracy", "targets are class numbers"),
    Entry("TopKCategoricalAccuracy", "one-hot targets", _TOP, number="k"),
    Entry(
        "SparseTopKCategoricalAccuracy",
        "targets are class numbers",
        {**_TOP, "from_sorted_ids": Argument(Flag(), False)},
        number="k",
    ),
)

_CONFUSION = (
    Entry(
        "AUC",
        "area under the ROC or precision-recall curve",
        {
            **_NUM_THRESHOLDS,
            "curve": Argument(OneOf(("ROC", "PR")), "ROC"),
            "summation_method": Argument(OneOf(("interpolation", "minoring", "majoring")), "interpolation"),
            "thresholds": Argument(Optional(ListOf(_UNIT)), None),
            "multi_label": Argument(Flag(), False),
            "num_labels": Argument(Optional(Integer(at_least=1)), None),
            "label_weights": Argument(Optional(ListOf(Number(at_least=0))), None),
            **_LOGITS,
        },
        rules=(_labels_need_multi_label,),
    ),
    *(
        Entry(name, doc, {**_ONE_THRESHOLD, "top_k": Argument(Optional(Integer(at_least=1)), None), **_CLASS})
        for name, doc in (("Precision", "true positives / predicted"), ("Recall", "true positives / real"))
    ),
    *map(_at, ("PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity")),
    *(
        Entry(name, "how many", _ONE_THRESHOLD, number="thresholds")
        for name in ("FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives")
    ),
    _f_score("F1Score", {}),
    _f_score("FBetaScore", {"beta": Argument(Number(above=0), 1.0)}),
)

_REGRESSION = (
    Entry("MeanAbsoluteError", "mean of |target - output|"),
    Entry("MeanAbsolutePercentageError", "mean of 100 |target - output| / |target|"),
    Entry("MeanSquaredError", "mean of (target - output)^2"),
    Entry("MeanSquaredLogarithmicError", "mean of (log(target + 1) - log(output + 1))^2"),
    Entry("RootMeanSquaredError", "square root of the mean squared error"),
    Entry("LogCoshError", "mean of log(cosh(output - target))"),
    Entry(
        "R2Score",
        "share of the variance that is explained",
        {
            "class_aggregation": Argument(OneOf(("uniform_average", "variance_weighted_average")), "uniform_average"),
            "num_regressors": Argument(Integer(at_least=0), 0),
        },
    ),
    *(
        Entry(name, doc, left_out=_LAST_AXIS)
        for name, doc in (
            ("ConcordanceCorrelation", "Lin's concordance of target and output"),
            ("CosineSimilarity", "cosine of target and output"),
            ("PearsonCorrelation", "linear correlation of target and output"),
        )
    ),
)

_LOSSES = (
    Entry("BinaryCrossentropy", "targets 0 or 1", {**_LOGITS, **_SMOOTHING}),
    Entry("CategoricalCrossentropy", "one-hot targets", {**_LOGITS, **_SMOOTHING}, left_out=_LAST_AXIS),
    Entry("SparseCategoricalCrossentropy", "class numbers", {**_LOGITS, **_IGNORE}, left_out=_LAST_AXIS),
    Entry("KLDivergence", "targets are probabilities"),
    Entry("Poisson", "targets are counts"),
    Entry("Hinge", "targets -1 or 1"),
    Entry("SquaredHinge", "targets -1 or 1"),
    Entry("CategoricalHinge", "one-hot targets"),
)


def _iou(name: str, *, some: bool, one_hot: bool) -> Entry:
    """Intersection over union: of `some` classes or all, with one-hot targets or class numbers."""
    sparse_output = {"sparse_y_pred": Argument(Flag(), not one_hot)}
    ids = {"target_class_ids": Argument(_CLASS_IDS)} if some else {}
    sparse = sparse_output if one_hot else {**_SPARSE_TRUE, **sparse_output}
    rules = (_ids_are_classes,) if some else ()
    return Entry(
        name, "intersection over union", {**_CLASSES, **ids, **_IGNORE, **sparse}, rules=rules, left_out=_LAST_AXIS
    )


_OVERLAP = (
    Entry(
        "BinaryIoU",
        "intersection over union of class 0, class 1 or both",
        {
            "target_class_ids": Argument(ListOf(Integer(at_least=0, at_most=1), longest=2), (0, 1)),
            "threshold": Argument(_UNIT, 0.5),
        },
    ),
    _iou("IoU", some=True, one_hot=False),
    _iou("MeanIoU", some=False, one_hot=False),
    _iou("OneHotIoU", some=True, one_hot=True),
    _iou("OneHotMeanIoU", some=False, one_hot=True),
)

_ENTRIES = table_of(_ACCURACIES, _CONFUSION, _REGRESSION, _LOSSES, _OVERLAP)

# Entries that Keras has no class of: `fit` chooses one by the shapes it sees.
CHOSEN_BY_KERAS = frozenset({"accuracy", "acc"})

_CLASS_NAMES = [name for name in _ENTRIES if name not in CHOSEN_BY_KERAS and name != "Accuracy"]

METRICS = Table(
    name="metric",
    entries=_ENTRIES,
    aliases=snake_aliases(
        _CLASS_NAMES,
        bce="BinaryCrossentropy",
        BCE="BinaryCrossentropy",
        mae="MeanAbsoluteError",
        MAE="MeanAbsoluteError",
        mape="MeanAbsolutePercentageError",
        MAPE="MeanAbsolutePercentageError",
        mse="MeanSquaredError",
        MSE="MeanSquaredError",
        msle="MeanSquaredLogarithmicError",
        MSLE="MeanSquaredLogarithmicError",
    ),
    keeps_aliases=True,
    left_out={
        **left_out("it is a base class of the others", "Metric"),
        **left_out("it does not compare target and output", "Mean", "Sum"),
        **left_out("it takes a function", "MeanMetricWrapper"),
    },
    left_out_arguments={
        "name": "names are given by seqjobs",
        "dtype": "the precision is the same for the whole model",
    },
)

# Where the default name is not the snake-case form of the class.
_OWN_COLUMNS = {"LogCoshError": "logcosh", "FBetaScore": "fbeta_score"}


def history_name(metric: Named) -> str:
    """The column that Keras's `fit` has for this metric in a fresh process.

    An alias is its own column. A class has Keras's default name, which Keras numbers (`auc_1`) from the second use in
    one process on: a builder that gives the metric this name keeps the columns of all trials alike.
    """
    if metric.name in METRICS.aliases or metric.name in CHOSEN_BY_KERAS:
        return metric.name
    return _OWN_COLUMNS.get(metric.name, snake_case(metric.name))


def parse_metrics(value: object, path: Path, problems: Problems) -> tuple[Named, ...] | None:
    """The metrics of a spec's list; two with one history column are a problem (E306)."""
    if not is_list(value):
        problems.add("E205", path, "expected a list of metrics", got=value, fix="write [accuracy], for example")
        return None
    before = len(problems)
    metrics: dict[str, Named] = {}
    for index, item in enumerate(value):
        metric = METRICS.parse(item, (*path, index), problems)
        if metric is None:
            continue
        column = history_name(metric)
        if column in metrics:
            what = f"two metrics would have the history column '{column}'"
            problems.add("E306", (*path, index), what, got=item, fix="remove one of them")
        metrics[column] = metric
    return tuple(metrics.values()) if len(problems) == before else None
