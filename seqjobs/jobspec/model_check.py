"""What can be known of layers, loss, targets, metrics and callbacks together, without building a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from seqjobs.errors.problems import Path, Problems, did_you_mean
from seqjobs.jobspec.shapes import Shape, check_model, shown_shape
from seqjobs.tables import METRICS, Named, complete_arguments, history_name

TargetKind: TypeAlias = Literal["integer", "number", "string"]

_ONE_HOT = frozenset(
    {
        "CategoricalCrossentropy",
        "CategoricalFocalCrossentropy",
        "CategoricalGeneralizedCrossEntropy",
        "CategoricalHinge",
        "CosineSimilarity",
        "KLDivergence",
    }
)
_INTEGER = frozenset({"SparseCategoricalCrossentropy", "Circle"})
# Of a yes or no: one output for each target column.
_BINARY = frozenset({"BinaryCrossentropy", "BinaryFocalCrossentropy", "Hinge", "SquaredHinge"})

# The losses that take logarithms of the output: what it must be, and the activations that make it so.
_ONE_OF_MANY = ("probabilities that add up to 1", ("softmax", "sparsemax"))
_EACH = ("probabilities", ("sigmoid", "hard_sigmoid", "sparse_sigmoid"))
_PROBABILITIES = {
    "BinaryCrossentropy": _EACH,
    "BinaryFocalCrossentropy": _EACH,
    "SparseCategoricalCrossentropy": _ONE_OF_MANY,
    "CategoricalCrossentropy": _ONE_OF_MANY,
    "CategoricalFocalCrossentropy": _ONE_OF_MANY,
    "CategoricalGeneralizedCrossEntropy": _ONE_OF_MANY,
    "KLDivergence": (_ONE_OF_MANY[0], (*_ONE_OF_MANY[1], *_EACH[1])),
}

_SPARSE_METRICS = frozenset(
    {"SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy"}
)
_ONE_HOT_METRICS = frozenset(
    {"CategoricalAccuracy", "TopKCategoricalAccuracy", "CategoricalCrossentropy", "CategoricalHinge"}
)
# Metrics that fit any target, or choose their kind by the shapes they see.
_ANY_METRICS = frozenset({"accuracy", "acc"})
_CLASS_NUMBER_METRICS = _SPARSE_METRICS | _ANY_METRICS | {"IoU", "MeanIoU"}

# Keras does not know which way is better for these, so a callback that monitors one must say it.
WITHOUT_DIRECTION = frozenset({"FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives"})

_SETS_RATE = ("LearningRateScheduler", "ReduceLROnPlateau")
_MONITORS = ("EarlyStopping", "ReduceLROnPlateau")
_RATE_COLUMN = "learning_rate"


def needs_one_hot(loss: Named) -> bool:
    """Whether class targets are given to this loss as one column a class."""
    return loss.name in _ONE_HOT


def needs_integer(loss: Named) -> bool:
    """Whether this loss takes targets as class numbers."""
    return loss.name in _INTEGER


def needs_yes_or_no(loss: Named) -> bool:
    """Whether this loss takes a yes or no for each output."""
    return loss.name in _BINARY


def takes_probabilities(loss: Named) -> bool:
    """Whether this loss takes what a model gives as probabilities, or as their logits."""
    return loss.name in _PROBABILITIES


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """The two things a loss compares: the model's output, and the target of the data."""

    output: Shape
    last_layer: Named
    loss: Named
    target_kind: TargetKind
    num_classes: int | None
    target_width: int

    @property
    def width(self) -> int | None:
        return self.output[-1] if self.output else None

    @property
    def from_logits(self) -> bool:
        return complete_arguments(self.loss).get("from_logits") is True


@dataclass(frozen=True)
class _Misfit:
    code: str
    what: str
    fix: str


def check_output(
    output_shape: Shape,
    last_layer: Named,
    loss: Named,
    *,
    target_kind: TargetKind,
    num_classes: int | None,
    target_width: int,
    path: Path,
    problems: Problems,
) -> None:
    """Note where output, loss and target do not fit: shapes as E309, kinds and activations as E310.

    Args:
        output_shape: What the model gives for one example.
        last_layer: The model's last layer.
        loss: The loss.
        target_kind: See `DataSchema`.
        num_classes: None while the rows are not read, and for a target that is not classes.
        target_width: How many values an example's target has.
        path: The place of the loss.
        problems: Where mistakes are noted.
    """
    ends = _Ends(
        output=output_shape,
        last_layer=last_layer,
        loss=loss,
        target_kind=target_kind,
        num_classes=num_classes,
        target_width=target_width,
    )
    for rule in (_target, _rank, _width, _activation):
        misfits = list(rule(ends))
        for misfit in misfits:
            problems.add(misfit.code, path, misfit.what, fix=misfit.fix)
        # What is wrong with the target or the shape makes the later rules speak of things that are not there.
        if misfits:
            return


def _target(ends: _Ends) -> Iterator[_Misfit]:
    loss = ends.loss.name
    if loss in _INTEGER and ends.target_kind == "number":
        what = f"the loss {loss} takes class numbers, and the target has fractions"
        yield _Misfit("E310", what, "use a loss for numbers, such as mse, or a target of classes")
    if loss in _BINARY and ends.target_width == 1 and (ends.num_classes or 0) > 2:
        what = f"the loss {loss} separates 2 classes, and the target has {ends.num_classes}"
        fix = f"end with Dense: {{units: {ends.num_classes}, activation: softmax}} and sparse_categorical_crossentropy"
        yield _Misfit("E310", what, fix)
    if ends.target_kind == "string" and loss not in _ONE_HOT | _INTEGER | _BINARY:
        what = f"the loss {loss} takes numbers, and the target is text"
        yield _Misfit("E310", what, "use sparse_categorical_crossentropy for classes, or a target of numbers")


def _rank(ends: _Ends) -> Iterator[_Misfit]:
    if ends.target_width == 1 and any(size != 1 for size in ends.output[:-1]):
        what = f"the target is one value per row, and {_last(ends)} gives {shown_shape(ends.output)}"
        yield _Misfit("E309", what, "put Flatten, or a global pooling layer, before the last Dense layer")


def _width(ends: _Ends) -> Iterator[_Misfit]:
    width, loss, classes = ends.width, ends.loss.name, ends.num_classes
    if width is None or len(ends.output) != 1:
        return
    last = f"{_last(ends)} gives {shown_shape(ends.output)}"
    if loss in _ONE_HOT and ends.target_kind != "number":
        # Whole numbers may leave the last classes out; strings name all there are.
        fits = classes is None or width == classes or (width > classes and ends.target_kind == "integer")
        if not fits:
            what = f"the loss {loss} needs one output for each of the {classes} classes, and {last}"
            yield _Misfit("E309", what, f"end with {classes} units")
    elif loss == "SparseCategoricalCrossentropy":
        wanted = max(classes or 2, 2)
        if width < wanted:
            what = f"the loss {loss} needs one output for each of the {classes or 'two or more'} classes, and {last}"
            fix = f"end with {wanted} units and softmax"
            more = ", or with one unit, sigmoid and binary_crossentropy" if width == 1 and wanted == 2 else ""
            yield _Misfit("E309", what, fix + more)
        elif ends.target_kind == "string" and classes is not None and width > classes:
            # Whichever of the others wins would be a prediction without a name.
            what = f"the target has {classes} classes, all of them known by their names, and {last}"
            yield _Misfit("E309", what, f"end with {classes} units")
    elif loss != "Circle" and width != ends.target_width:
        # Keras would stretch one over the other, and train to nothing.
        what = f"the loss {loss} compares output and target one by one: the target has {ends.target_width}, and {last}"
        yield _Misfit("E309", what, f"end with units: {ends.target_width}, or use a loss for classes")


def _activation(ends: _Ends) -> Iterator[_Misfit]:
    found, loss = final_activation(ends.last_layer), ends.loss.name
    if found is None:
        return
    if found == "softmax" and ends.width == 1:
        yield _Misfit("E310", "softmax over one unit is always 1", "use sigmoid, or more units")
        return
    if ends.from_logits:
        if found in (*_ONE_OF_MANY[1], *_EACH[1]):
            what = f"the loss {loss} has from_logits: true, and the output is {found} already"
            yield _Misfit("E310", what, "remove from_logits, or the activation")
    elif loss in _PROBABILITIES:
        needed, activations = _PROBABILITIES[loss]
        if found not in activations:
            what = f"the loss {loss} needs {needed}, and the output is {found}"
            yield _Misfit("E310", what, f"use the activation {activations[0]}{_or_logits(ends)}")
    elif loss == "Poisson" and found in ("linear", "tanh"):
        what = f"the loss {loss} takes the logarithm of the output, and {found} can be negative"
        yield _Misfit("E310", what, "use the activation exponential or softplus")


def _or_logits(ends: _Ends) -> str:
    offers = "from_logits" in complete_arguments(ends.loss)
    linear = final_activation(ends.last_layer) == "linear"
    return f", or write the loss as {{{ends.loss.name}: {{from_logits: true}}}}" if offers and linear else ""


def _last(ends: _Ends) -> str:
    return f"the last layer '{ends.last_layer.name}'"


def final_activation(layer: Named) -> str | None:
    """The activation that a layer ends with; None where the layer alone does not tell."""
    if layer.name == "Softmax":
        return "softmax"
    if layer.name == "ReLU":
        return "relu"
    arguments = complete_arguments(layer)
    inner = arguments.get("layer")
    if layer.name == "TimeDistributed" and isinstance(inner, Named):
        return final_activation(inner)
    if "activation" not in arguments or "return_sequences" in arguments:
        return None
    activation = arguments["activation"]
    return activation.name if isinstance(activation, Named) else "linear"


def check_metrics(metrics: Sequence[Named], loss: Named, path: Path, problems: Problems) -> None:
    """Notes metrics that would compare the targets as this loss has them with something else (E310).

    `path` is the place of the list of metrics.
    """
    for index, metric in enumerate(metrics):
        name = METRICS.entry(metric.name).name
        if loss.name == "SparseCategoricalCrossentropy" and name not in _CLASS_NUMBER_METRICS:
            sparse = f"Sparse{name}"
            fix = f"use {sparse}" if sparse in _SPARSE_METRICS else "use accuracy, or categorical_crossentropy"
            what = f"with the loss {loss.name} targets are class numbers, which {name} does not take"
        elif loss.name in _ONE_HOT and name in _SPARSE_METRICS:
            fix = f"use {name.removeprefix('Sparse')}"
            what = f"with the loss {loss.name} targets have one column per class, and {name} takes class numbers"
        elif loss.name in _BINARY and name in _SPARSE_METRICS | _ONE_HOT_METRICS:
            fix = "use accuracy, or a metric whose name begins with Binary"
            what = f"with the loss {loss.name} each output is yes or no, and {name} compares several outputs"
        else:
            continue
        problems.add("E310", (*path, index), what, fix=fix)


def history_columns(
    metrics: Sequence[Named],
    callbacks: Sequence[Named],
    *,
    weighted: Sequence[Named] = (),
    has_validation: bool,
) -> tuple[str, ...]:
    """The columns that a history will have, as Keras names them; `weighted` are the `weighted_metrics`.

    keras/src/trainers/compile_utils.py, CompileMetrics.result.
    """
    plain = [history_name(metric) for metric in metrics]
    names = [history_name(metric) for metric in weighted]
    measured = ("loss", *plain, *(f"weighted_{name}" if name in plain else name for name in names))
    validated = tuple(f"val_{column}" for column in measured) if has_validation else ()
    sets_rate = any(callback.name in _SETS_RATE for callback in callbacks)
    return (*measured, *validated, *((_RATE_COLUMN,) if sets_rate else ()))


def check_names(
    *,
    metrics: Sequence[Named],
    weighted: Sequence[Named] = (),
    callbacks: Sequence[Named],
    optimizer: Named,
    objective: str | None,
    has_validation: bool,
    problems: Problems,
) -> None:
    """Notes what a callback monitors (E311) or the objective ranks by (E312) and no history will have.

    Also callbacks that set the learning rate of an optimizer with a schedule, which Keras refuses in the first epoch.
    """
    columns = history_columns(metrics, callbacks, weighted=weighted, has_validation=has_validation)
    for index, callback in enumerate(callbacks):
        place = ("fit", "callbacks", index)
        if callback.name in _SETS_RATE and isinstance(optimizer.arguments.get("learning_rate"), Named):
            what = f"{callback.name} sets the learning rate, but the optimizer has a schedule for it"
            problems.add("E209", place, what, fix="remove the callback, or give learning_rate a number")
        if callback.name in _MONITORS:
            _check_monitor(callback, (*metrics, *weighted), columns, place, problems)
    if objective is not None and objective not in columns:
        what = f"the history of this job has no column '{objective}' to rank by"
        problems.add("E312", ("objective", "metric"), what, fix=_column_fix(objective, columns, has_validation))


def _check_monitor(
    callback: Named, metrics: Sequence[Named], columns: Sequence[str], place: Path, problems: Problems
) -> None:
    arguments = complete_arguments(callback)
    monitor = str(arguments["monitor"])
    if monitor not in columns:
        # A default is not in the spec, so it has no place of its own there.
        path = (*place, callback.name, "monitor") if "monitor" in callback.arguments else place
        what = f"{callback.name} monitors '{monitor}', which the history of this job does not have"
        problems.add("E311", path, what, fix=_column_fix(monitor, columns, "val_loss" in columns))
        return
    one_way = {history_name(metric) for metric in metrics if METRICS.entry(metric.name).name not in WITHOUT_DIRECTION}
    if arguments["mode"] == "auto" and monitor.removeprefix("val_") not in one_way | {"loss"}:
        what = f"{callback.name} cannot tell whether more or less of '{monitor}' is better"
        problems.add("E304", place, what, fix="add mode: min or mode: max")


def _column_fix(name: str, columns: Sequence[str], has_validation: bool) -> str:
    if name.startswith("val_") and not has_validation:
        return "add data.validation or fit.validation_split, or use one of " + ", ".join(columns)
    guess = did_you_mean(name, columns)
    return guess if not guess.endswith("?") else f"{guess} The columns are {', '.join(columns)}"


__all__ = [
    "WITHOUT_DIRECTION",
    "TargetKind",
    "check_metrics",
    "check_model",
    "check_names",
    "check_output",
    "final_activation",
    "history_columns",
    "needs_integer",
    "needs_one_hot",
    "needs_yes_or_no",
]
