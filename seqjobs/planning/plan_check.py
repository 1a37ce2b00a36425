"""Check whether the models of a plan fit its data, by the footers of the files or by their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from seqjobs.data.class_weight_check import check_class_weight
from seqjobs.data.column_mistakes import ColumnsError
from seqjobs.data.dataset import DataSchema
from seqjobs.data.inspection.schema import inspect_data
from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.jobspec.locate import located
from seqjobs.jobspec.model_check import check_metrics, check_output, needs_integer, needs_one_hot
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.jobspec.shapes import Shape, check_model, count_parameters
from seqjobs.planning.column_problems import in_specs
from seqjobs.planning.packing import packed
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.tables import complete_arguments

MAX_NAMED = 5


class KnownRows(Protocol):
    """What the rows of a dataset show, as far as models depend on it; see `Dataset`."""

    @property
    def num_classes(self) -> int | None: ...
    @property
    def classes(self) -> tuple[str, ...] | None: ...
    @property
    def empty_classes(self) -> tuple[int, ...]: ...
    @property
    def feature_range(self) -> tuple[float, float] | None: ...


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What the footers of the files add to a plan."""

    plan: Plan
    """The plan, with its packs."""
    schemas: Mapping[str, DataSchema]
    """By dataset id."""
    parameters: Mapping[str, int]
    """Numbers in the weights of each trial's model, by trial id."""


def inspect_plan(plan: Plan) -> Inspection:
    """Read the footers of the plan's data and check every model against them. Raises DataError and SpecError."""
    schemas: dict[str, DataSchema] = {}
    wrong: dict[str, ColumnsError] = {}
    for source in plan.datasets:
        try:
            schemas[source.id] = inspect_data(source)
        except ColumnsError as error:
            wrong[source.id] = error
    if wrong:
        raise in_specs(ColumnsError.of(wrong), plan)
    check_plan(plan, schemas)
    plan = pack_plan(plan, schemas)
    # One number for all trials with the same model.
    sizes: dict[str, int] = {}
    parameters: dict[str, int] = {}
    for pack in plan.packs:
        first = pack.trials[0]
        if pack.shared_key not in sizes:
            sizes[pack.shared_key] = count_parameters(first.spec.model, schemas[first.dataset].feature_shape)
        parameters.update((trial.id, sizes[pack.shared_key]) for trial in pack.trials)
    return Inspection(plan=plan, schemas=schemas, parameters=parameters)


def pack_plan(plan: Plan, schemas: Mapping[str, DataSchema]) -> Plan:
    """Put trials that can train together into packs; `schemas` are by dataset id, and the models fit them."""
    shapes = {dataset_id: schema.feature_shape for dataset_id, schema in schemas.items()}
    return packed(plan, shapes, {dataset_id: schema.train_rows for dataset_id, schema in schemas.items()})


def check_plan(
    plan: Plan, schemas: Mapping[str, DataSchema], rows: Mapping[str, KnownRows] | None = None
) -> tuple[str, ...]:
    """Check every model against its data, before anything trains; `plan --data` and `submit` both call this.

    Args:
        plan: The plan.
        schemas: By dataset id; trials of other datasets are not checked.
        rows: What the rows show, by dataset id; left out while they are not read.

    Returns:
        Warnings, each a sentence without its full stop.

    Raises:
        SpecError: With every distinct mistake.
    """
    found: dict[tuple[object, ...], list[Problem]] = {}
    warnings: dict[str, None] = {}
    checked: set[tuple[str, str]] = set()
    for pack in plan.packs:
        trial = pack.trials[0]
        # Shapes and class weights are the same in all trials that share both, so one is checked for all.
        key = (trial.job, pack.shared_key)
        if key in checked or trial.dataset not in schemas:
            continue
        checked.add(key)
        check = _TrialCheck(trial, schemas[trial.dataset], (rows or {}).get(trial.dataset))
        for problem in check.problems():
            job, alone = plan.job(trial.job), Problems()
            alone.extend([problem])
            (placed,) = job.in_text(alone, trial.hyperparameters)
            mistake = (trial.job, problem.code, placed.path, problem.what)
            found.setdefault(mistake, located([placed], job.document))
        warnings.update(dict.fromkeys(check.warnings()))
    if found:
        raise SpecError([problem for problems in found.values() for problem in problems])
    return tuple(warnings)


class _TrialCheck:
    """One trial's model against its data."""

    def __init__(self, trial: Trial, schema: DataSchema, rows: KnownRows | None) -> None:
        self._spec: TrialSpec = trial.spec
        self._schema = schema
        self._rows = rows
        self._shape_problems = Problems()
        self._output: Shape | None = check_model(
            trial.spec.model, schema.feature_shape, ("model",), self._shape_problems
        )

    def problems(self) -> Problems:
        problems, spec, schema, rows = Problems(), self._spec, self._schema, self._rows
        problems.extend(self._shape_problems)
        check_metrics(spec.compile.metrics, spec.compile.loss, ("compile", "metrics"), problems)
        check_metrics(spec.compile.weighted_metrics, spec.compile.loss, ("compile", "weighted_metrics"), problems)
        num_classes = None if rows is None else rows.num_classes
        labels = None if rows is None else rows.classes
        check_class_weight(spec, schema, self._with_outputs(num_classes), labels, problems)
        self._check_indices(problems)
        if self._output is not None and not self._has_negative_classes(problems):
            check_output(
                self._output,
                spec.model[-1],
                spec.compile.loss,
                target_kind=schema.target_kind,
                num_classes=num_classes,
                target_width=schema.target_width,
                path=("compile", "loss"),
                problems=problems,
            )
        return problems

    def warnings(self) -> Iterator[str]:
        """Yield which classes the model has outputs for, and no training row has."""
        rows, num_outputs = self._rows, self._num_outputs
        if rows is None or rows.num_classes is None or num_outputs is None or self._schema.target_kind != "integer":
            return
        empty = [*rows.empty_classes, *range(rows.num_classes, num_outputs)]
        if empty:
            more = f" and {len(empty) - MAX_NAMED} more" if len(empty) > MAX_NAMED else ""
            named = f"class{'es' if len(empty) > 1 else ''} {', '.join(map(str, empty[:MAX_NAMED]))}{more}"
            yield f"the model has {num_outputs} outputs, but no training row has {named}"

    @property
    def _num_outputs(self) -> int | None:
        """One for each class, where the loss chooses among classes."""
        loss = self._spec.compile.loss
        return self._output[-1] if self._output and (needs_one_hot(loss) or needs_integer(loss)) else None

    def _with_outputs(self, num_classes: int | None) -> int | None:
        """Return how many classes there may be: an integer target may leave the last ones out."""
        if num_classes is None or self._schema.target_kind != "integer":
            return num_classes
        return max(num_classes, self._num_outputs or 0)

    def _has_negative_classes(self, problems: Problems) -> bool:
        """Return whether class numbers are below 0, which is noted as E310."""
        loss, rows = self._spec.compile.loss, self._rows
        if rows is None or rows.num_classes is not None or self._schema.target_kind != "integer":
            return False
        chooses = needs_integer(loss) or needs_one_hot(loss)
        if not chooses or complete_arguments(loss).get("ignore_class") is not None:
            return False
        what = f"the loss {loss.name} takes class numbers from 0 on, and the target has numbers below 0"
        fix = "number the classes from 0, or use a loss for numbers, such as mse"
        problems.add("E310", ("compile", "loss"), what, fix=fix)
        return True

    def _check_indices(self, problems: Problems) -> None:
        first, known = self._spec.model[0], None if self._rows is None else self._rows.feature_range
        if first.name != "Embedding" or known is None:
            return
        size: Any = complete_arguments(first)["input_dim"]
        wrong = [value for value in known if not -1 < value < size]
        if wrong:
            what = f"the features hold {wrong[0]:g}, and the Embedding has rows for 0 to {size - 1}"
            fix = "number the features from 0" if wrong[0] <= -1 else f"write {int(wrong[0]) + 1} or more"
            problems.add("E419", ("model", 0, "Embedding", "input_dim"), what, fix=fix)
