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
from seqjobs.spec.class_weight import ClassWeight
from seqjobs.spec.data_section import DataSpec
from seqjobs.spec.quantities import Bytes, Seconds, Stall
from seqjobs.spec.rejection import problems_error, rejection
from seqjobs.spec.section import TABLE_KEY, Count, Number, Section
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
    """Keras metrics: `[accuracy, {AUC: {curve: PR}}]`; rows count alike in them."""
    weighted_metrics: Metrics = ()
    """Metrics in which rows count by their weights; one that is in `metrics` too has the column `weighted_...`."""


class FitSpec(Section):
    """The arguments of Keras's `fit`."""

    epochs: Count = 1
    """The most epochs to train; a callback may stop earlier."""
    batch_size: Count = 32
    """Rows in a batch; the last batch of an epoch holds the remainder."""
    validation_split: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    """The fraction of the training rows to validate on: the last ones, taken before shuffling."""
    shuffle: bool = Field(default=True, strict=True)
    """Whether the training rows are put in another order for each epoch."""
    callbacks: Callbacks = ()
    """Keras callbacks: EarlyStopping, ReduceLROnPlateau, TerminateOnNaN, LearningRateScheduler."""
    class_weight: ClassWeight = None
    """How much a training row of each class counts: `{0: 1.0, 1: 5.0}`, 1 for a class left out; or `balanced`.

    Multiplied with `data.sample_weight`. Validation rows are not weighed by their class.
    """
    compile: Literal["auto", "xla", "graph", "eager", "stock"] = "auto"
    """How epochs are carried out; `stock` is Keras's own `fit`, the reference.

    The choice changes rounding, which grows where training is unstable: see the README.
    """
    pack: PackChoice = "auto"
    """How many trials may train together in one program: a number, `off`, or `auto`, which decides for small models
    by the number of trials. The choice changes rounding, as that of `compile` does."""


class ObjectiveSpec(Section):
    """What trials are ranked by."""

    metric: str = Field(min_length=1)
    """A column of the history: `val_loss`, `val_accuracy`, ..."""
    direction: Literal["minimize", "maximize"]
    """Which way is better; never guessed from the metric's name."""


class SearchSpec(Section):
    """How assignments are drawn from the dimensions."""

    sampler: Literal["grid", "random"] = "random"
    """`random` draws `trials` assignments; `grid` takes every combination."""
    trials: Count | None = None
    """How many assignments `random` draws, 10 if left out; duplicates are drawn again while there are others."""
    repeats: Annotated[Count, Field(le=1000)] = 1
    """How often each assignment is trained: repeat r under seed + r."""


class ResourcesSpec(Section):
    """What one worker is given."""

    cpus: Annotated[Count, Field(le=1024)] = 1
    """CPUs of a worker, and TensorFlow's threads in it; a trial's last bits depend on it."""
    gpus: Gpus = "auto"
    """GPUs of a worker: a number, a part of one as 0.5, or `auto`: one where the cluster has GPUs, else none.

    A worker with a part of a GPU takes up no more than that part of its memory.
    """
    memory: Bytes | None = None
    """The private memory a worker may hold, as 4GiB; one that holds more is replaced between two trials."""
    workers: Annotated[Count, Field(le=64)] = 1
    """Workers that train one trial together, each batch spread over them; not for every layer: see the README."""

    @model_validator(mode="after")
    def _spans_whole_gpus(self) -> Self:
        if self.workers > 1 and isinstance(self.gpus, float):
            what = "workers that train one trial together take whole GPUs each"
            raise rejection("E209", what, self.gpus, "write 1, or workers: 1.", ("gpus",))
        return self


class LimitsSpec(Section):
    """When to give up."""

    retries: Annotated[int, Field(strict=True, ge=0, le=100)] = 2
    """How often a trial that killed its worker is tried again; counted anew once it got further than ever before."""
    trial_time: Seconds | None = None
    """The most time one trial may train; it fails after it."""
    run_time: Seconds | None = None
    """The most time the run may take; what is left then stays to be resumed."""
    checkpoint: Seconds = 60.0
    """After how long a trial that still trains is saved, at the end of the epoch under way: whatever kills it costs no
    more than that and one epoch."""
    stall: Stall = "auto"
    """The most time a worker may train without the end of an epoch before it is replaced, the first epoch's compiling
    included; `off` for any time; `auto` for half an hour, or 5 times the longest epoch so far where that is more."""


class KeepSpec(Section):
    """Whose weights are kept."""

    best: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 1
    """How many of the job's best trials keep their weights."""


class TrialSpec(Section):
    """What one trial trains: the sections in which dimensions may stand, each at one value."""

    data: DataSpec
    """Where the rows are, which columns are features and which is the target."""
    model: Layers
    """The layers of the Sequential, in order; or a mapping of names to such lists, which are then compared."""
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
        raise rejection("E701", "not a name: small letters, digits, '.', '_', '-', at most 63", value, "rename it.")
    return value


class HeaderSpec(Section):
    """The sections that hold for the whole job; no dimension may stand in them."""

    name: Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$"})]
    """The job's name: small letters, digits, '.', '_', '-'."""
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] = 0
    """The first repeat's seed; with the spec it fixes every number drawn."""
    search: SearchSpec = Field(default_factory=SearchSpec)
    """How assignments are drawn from the dimensions."""
    objective: ObjectiveSpec | None = None
    """What trials are ranked by; left out: `val_loss`, or `loss` without validation, minimized."""
    resources: ResourcesSpec = Field(default_factory=ResourcesSpec)
    """What one worker is given."""
    limits: LimitsSpec = Field(default_factory=LimitsSpec)
    """When to give up."""
    keep: KeepSpec = Field(default_factory=KeepSpec)
    """Whose weights are kept."""
