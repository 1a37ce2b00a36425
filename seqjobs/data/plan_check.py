"""Whether the models of a plan fit its data: everything that shapes, kinds and class counts can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seqjobs.data.class_weight_check import check_class_weight
from seqjobs.data.dataset import DataSchema
from seqjobs.data.inspect import inspect_data
from seqjobs.data.plan_packs import pack_plan
from seqjobs.errors import SpecError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.spec.locate import located
from seqjobs.spec.model_check import check_metrics, check_output
from seqjobs.spec.shapes import check_model, count_parameters


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What the footers of the files add to a plan."""

    plan: Plan
    """With its packs."""
    schemas: Mapping[str, DataSchema]
    """By dataset id."""
    parameters: Mapping[str, int]
    """Numbers in the weights of each trial's model, by trial id."""


def inspect_plan(plan: Plan) -> Inspection:
    """Reads the footers of the plan's data and checks every model against them. Raises DataError and SpecError."""
    schemas = {source.id: inspect_data(source) for source in plan.datasets}
    check_plan(plan, schemas, {})
    # One number for all trials with the same model.
    sizes: dict[str, int] = {}
    parameters: dict[str, int] = {}
    for pack in plan.packs:
        first = pack.trials[0]
        if pack.shared_key not in sizes:
            sizes[pack.shared_key] = count_parameters(first.spec.model, schemas[first.dataset].feature_shape)
        parameters.update((trial.id, sizes[pack.shared_key]) for trial in pack.trials)
    return Inspection(plan=pack_plan(plan, schemas), schemas=schemas, parameters=parameters)


def check_plan(
    plan: Plan,
    schemas: Mapping[str, DataSchema],
    num_classes: Mapping[str, int | None],
    labels: Mapping[str, tuple[str, ...] | None] | None = None,
) -> None:
    """Raises SpecError with every distinct mistake.

    `num_classes` and `labels`, the strings of a string target, are by dataset id, once the rows are known.
    """
    found: dict[tuple[object, ...], list[Problem]] = {}
    checked: set[tuple[str, str]] = set()
    for pack in plan.packs:
        trial = pack.trials[0]
        # What shapes and class weights make wrong is the same in all trials that share both; one speaks for them.
        key = (trial.job, pack.shared_key)
        if key in checked:
            continue
        checked.add(key)
        known = (labels or {}).get(trial.dataset)
        problems = _problems(trial, schemas[trial.dataset], num_classes.get(trial.dataset), known)
        for problem in problems:
            job, alone = plan.job(trial.job), Problems()
            alone.extend([problem])
            (placed,) = job.in_text(alone, trial.hyperparameters)
            mistake = (trial.job, problem.code, placed.path, problem.what)
            found.setdefault(mistake, located([placed], job.document))
    if found:
        raise SpecError([problem for problems in found.values() for problem in problems])


def _problems(trial: Trial, schema: DataSchema, num_classes: int | None, labels: tuple[str, ...] | None) -> Problems:
    problems, spec = Problems(), trial.spec
    output = check_model(spec.model, schema.feature_shape, ("model",), problems)
    check_metrics(spec.compile.metrics, spec.compile.loss, ("compile", "metrics"), problems)
    check_metrics(spec.compile.weighted_metrics, spec.compile.loss, ("compile", "weighted_metrics"), problems)
    check_class_weight(spec, schema, num_classes, labels, problems)
    if output is not None:
        check_output(
            output,
            spec.model[-1],
            spec.compile.loss,
            target_kind=schema.target_kind,
            num_classes=num_classes,
            target_width=schema.target_width,
            path=("compile", "loss"),
            problems=problems,
        )
    return problems
