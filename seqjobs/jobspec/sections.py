"""The sections of a job spec, one class each, named as Keras names them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import CoreSchema, core_schema

from seqjobs.errors.problems import Path, Problems, shown
from seqjobs.jobspec.class_weight import ClassWeight
from seqjobs.jobspec.data_section import DataSpec
from seqjobs.jobspec.quantities import Bytes, Seconds, Stall
from seqjobs.jobspec.rejection import problems_error, rejection
from seqjobs.jobspec.section import TABLE_KEY, Count, Number, Section
from seqjobs.tables import (
    CALLBACKS,
    LOSSES,
    OPTIMIZERS,
    Named,
    parse_layers,
    parse_metrics,
)

NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,62}"


Parse = Callable[[object, Path, Problems], Any]


@dataclass(frozen=True)
class _CheckedBy:
    """A field whose value a closed table checks: pydantic gets the result, or all problems as one error.

    Stands in an `Annotated`, and keeps pydantic from looking into the classes of the tables.
    """

    parse: Parse
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return self.schema

    def _validate(self, value: object) -> Any:
        problems = Problems()
        result = self.parse(value, (), problems)
        if len(problems) or result is None:
            raise problems_error(problems)
        return result


def parse_callbacks(value: object, path: Path, problems: Problems) -> tuple[Named, ...]:
    """The callbacks of a spec's list, or of one alone; those with problems, which are noted, left out."""
    items = value if isinstance(value, list) else [value]
    callbacks = [CALLBACKS.parse(item, (*path, index), problems) for index, item in enumerate(items)]
    return tuple(callback for callback in callbacks if callback is not None)


def _items(table: str) -> dict[str, Any]:
    return {"type": "array", "items": _one(table)}


def _one(table: str) -> dict[str, Any]:
    return {TABLE_KEY: table}


Layers = Annotated[tuple[Named, ...], _CheckedBy(parse_layers, {**_items("layer"), "minItems": 1})]
Metrics = Annotated[tuple[Named, ...], _CheckedBy(parse_metrics, _items("metric"))]
Callbacks = Annotated[tuple[Named, ...], _CheckedBy(parse_callbacks, _items("callback"))]
Optimizer = Annotated[Named, _CheckedBy(OPTIMIZERS.parse, _one("optimizer"))]
Loss = Annotated[Named, _CheckedBy(LOSSES.parse, _one("loss"))]


LEAST_OF_A_GPU = 0.01
MOST_GPUS = 64


def _gpus(value: object) -> object:
    if value == "auto":
        return value
    if isinstance(value, float) and (value.is_integer() or LEAST_OF_A_GPU <= value < 1):
        return _gpus(int(value)) if value.is_integer() else value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_GPUS:
        return value
    what = (
        f"a whole number from 0 to {MOST_GPUS}, a part of one GPU from {LEAST_OF_A_GPU} to below 1, or auto is expected"
    )
    raise rejection("E206", what, value, _gpus_fix(value))


def _gpus_fix(value: object) -> str:
    """Which numbers near this one can be written."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return "write a number, such as 1 or 0.5, or auto: one where the cluster has GPUs, else none."
    if value > MOST_GPUS:
        return f"write {MOST_GPUS} or fewer."
    if value > 1:
        return f"write {floor(value)} or {ceil(value)}, or a part below 1: only one GPU can be shared."
    return f"write 0 for none{f', or {LEAST_OF_A_GPU} or more of one' if value > 0 else ''}."


Gpus = Annotated[int | Annotated[float, Field(ge=LEAST_OF_A_GPU, lt=1)] | Literal["auto"], BeforeValidator(_gpus)]


def _pack(value: object) -> object:
    if value not in ("auto", "off") and (
        isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 4096
    ):
        raise rejection("E206", "a whole number from 1 to 4096, auto or off is expected", value, "write auto.")
    return value


PackChoice = Annotated[int | Literal["auto", "off"], BeforeValidator(_pack)]


class CompileSpec(Section):
    """The arguments of Keras's `compile`."""

    optimizer: Optimizer
    """A Keras optimizer: `adam`, or `{Adam: {learning_rate: 0.001}}`."""
    loss: Loss
    """A Keras loss: `binary_crossentropy`, or `{Huber: {delta: 1.0}}`."""
    metrics: Metrics = ()
    """Keras metrics: `[accuracy, {AUC: {curve: PR}}]`. All rows have equal weight."""
    weighted_metrics: Metrics = ()
    """Metrics that weight each row, by `data.sample_weight` times `fit.class_weight`.

    A metric that is in `metrics` too gets the column `weighted_<name>`, for example `weighted_accuracy`.
    """


class FitSpec(Section):
    """The arguments of Keras's `fit`."""

    epochs: Count = 1
    """The number of epochs; a callback may stop training earlier."""
    batch_size: Count = 32
    """The number of rows in a batch; the last batch of an epoch holds the remainder."""
    validation_split: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    """The fraction of the training rows to validate on: the last rows, taken before shuffling."""
    shuffle: bool = Field(default=True, strict=True)
    """Whether the training rows are shuffled before each epoch."""
    callbacks: Callbacks = ()
    """Keras callbacks, for example `[{EarlyStopping: {patience: 3, restore_best_weights: true}}]`."""
    class_weight: ClassWeight = None
    """The weight of a training row by its class: `{0: 1.0, 1: 5.0}`, or `balanced`.

    A class that is left out has the weight 1. `balanced` is rows / (classes x rows of the class), counted over the
    training rows. The weight is multiplied by the row's `data.sample_weight`. Validation rows are not weighted by
    their class.
    """
    compile: Literal["auto", "xla", "graph", "eager", "stock"] = "auto"
    """How an epoch is run: `xla`, `graph`, `eager`, `stock` (Keras's own `fit`, the reference), or `auto`.

    The choice changes floating-point rounding, which unstable training amplifies.
    """
    pack: PackChoice = "auto"
    """How many trials may train together in one compiled program: a number, `off`, or `auto`.

    `auto` packs small models when a search has enough trials. The choice changes floating-point rounding.
    """


class ObjectiveSpec(Section):
    """What trials are ranked by."""

    metric: str = Field(min_length=1)
    """A column of the history, for example `val_loss` or `val_accuracy`."""
    direction: Literal["minimize", "maximize"]
    """`minimize` or `maximize`; never guessed from the metric's name."""


class SearchSpec(Section):
    """How assignments are drawn from the dimensions."""

    sampler: Literal["grid", "random"] = "random"
    """`random` draws `trials` assignments; `grid` trains every combination."""
    trials: Count | None = None
    """The number of assignments that `random` draws. A duplicate is drawn again while other assignments exist."""
    repeats: Annotated[Count, Field(le=1000)] = 1
    """How many times each assignment is trained; repeat r uses `seed + r`. Assignments are ranked by their mean."""


class ResourcesSpec(Section):
    """The resources of one worker."""

    cpus: Annotated[Count, Field(le=1024)] = 1
    """The CPUs of a worker, and the number of TensorFlow's threads in it.

    It is part of a trial's ID, because the last bits of a result depend on it.
    """
    gpus: Gpus = "auto"
    """The GPUs of a worker: a whole number, a part of one from 0.01 to below 1, or `auto`.

    `auto` is one GPU if the cluster has any, otherwise none. Workers with a part share a GPU; TensorFlow takes at
    most that part of its memory.
    """
    memory: Bytes | None = None
    """The private memory that a worker may hold, for example 4GiB. A worker that holds more is replaced between two
    trials."""
    workers: Annotated[Count, Field(le=64)] = 1
    """The number of workers that train one trial together, each batch spread over them. Some layers do not allow it."""

    @model_validator(mode="after")
    def _spans_whole_gpus(self) -> Self:
        if self.workers > 1 and isinstance(self.gpus, float):
            what = "workers that train one trial together take whole GPUs each"
            raise rejection("E209", what, self.gpus, "write 1, or workers: 1.", ("gpus",))
        return self


class LimitsSpec(Section):
    """Limits on time and retries."""

    retries: Annotated[int, Field(strict=True, ge=0, le=100)] = 2
    """How many times a trial is tried again after its worker died while the trial trained.

    A later checkpoint than before resets the count. A worker that is lost with its machine, or with a submit that was
    killed, costs no retry.
    """
    trial_time: Seconds | None = None
    """The time limit of one trial, for example 30m. A trial that trains longer fails."""
    run_time: Seconds | None = None
    """The time limit of a submit, for example 8h, including the wait for workers.

    At the limit, trials in training are saved and the command ends with exit code 6. The same command resumes the run.
    """
    checkpoint: Seconds = 60.0
    """How often to save a trial during training, at the end of an epoch.

    So a killed trial loses at most this time and one epoch. Trials with `fit.compile: stock` are not saved.
    """
    stall: Stall = "auto"
    """How long a worker may train without finishing an epoch before it counts as hung and is replaced.

    A time such as 2h must cover the first epoch with its compilation. `off` sets no limit. `auto` is half an hour, or 5
    times the longest epoch so far if that is longer. The trial is tried again, as after a crash. Reading the data may
    take 2 hours, or this time if it is longer.
    """


class KeepSpec(Section):
    """Which weights are kept."""

    best: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 1
    """How many of the job's best assignments keep weights. Each keeps those of its best repeat."""


class TrialSpec(Section):
    """The sections that one trial trains; a dimension may stand for any value in them."""

    data: DataSpec
    """The rows to read, the feature columns and the target column."""
    model: Layers
    """The layers of the Sequential model, in order; or a mapping of names to such lists, which are then compared."""
    compile: CompileSpec
    """The arguments of Keras's `compile`."""
    fit: FitSpec = Field(default_factory=FitSpec)
    """The arguments of Keras's `fit`."""


def _name(value: object) -> str:
    if not isinstance(value, str):
        what = "a name is a string" if value is not None else "a name is a string, not null"
        is_scalar = isinstance(value, int | float)
        raise rejection(
            "E207", what, value, f'quote it: name: "{shown(value)}".' if is_scalar else "write one, such as digits-cnn."
        )
    if not re.fullmatch(NAME_PATTERN, value):
        raise rejection(
            "E701",
            "a name has lower-case letters, digits, '.', '_', '-', and at most 63 characters",
            value,
            "write digits-cnn, for example.",
        )
    return value


class HeaderSpec(Section):
    """The sections that apply to the whole job; no dimension may stand in them."""

    name: Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$"})]
    """The job's name: at most 63 lower-case letters, digits, '.', '_' and '-'."""
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] = 0
    """The seed of the first repeat. The seed and the spec fix every random number."""
    search: SearchSpec = Field(default_factory=SearchSpec)
    """How assignments are drawn from the dimensions."""
    objective: ObjectiveSpec | None = None
    """What trials are ranked by. If left out: the lowest `val_loss`, or `loss` without validation."""
    resources: ResourcesSpec = Field(default_factory=ResourcesSpec)
    """The resources of one worker."""
    limits: LimitsSpec = Field(default_factory=LimitsSpec)
    """Limits on time and retries."""
    keep: KeepSpec = Field(default_factory=KeepSpec)
    """Which weights are kept."""
