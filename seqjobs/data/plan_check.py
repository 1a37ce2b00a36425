"""Whether the models of a plan fit its data: everything that shapes, kinds and class counts can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seqjobs.data.dataset import DataSchema
from seqjobs.data.inspect import inspect_data
from seqjobs.errors import SpecError
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.spec.locate import MAX_SHOWN, located
from seqjobs.spec.model_check import check_metrics, check_output
from seqjobs.spec.problems import Problems
from seqjobs.spec.shapes import check_model, count_parameters


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What the footers of the files add to a plan."""

    schemas: Mapping[str, DataSchema]
    """By dataset id."""
    parameters: Mapping[str, int]
    """Numbers in the weights of each trial's model, by trial id."""


def inspect_plan(plan: Plan) -> Inspection:
    """Reads the footers of the plan's data and checks every model against them. Raises DataError and SpecError."""
    schemas = {source.id: inspect_data(source) for source in plan.datasets}
    check_plan(plan, schemas, {})
    sizes: dict[str, int] = {}
    for trial in plan.trials:
        sizes[trial.id] = count_parameters(trial.spec.model, schemas[trial.dataset].feature_shape)
    return Inspection(schemas=schemas, parameters=sizes)


def check_plan(plan: Plan, schemas: Mapping[str, DataSchema], num_classes: Mapping[str, int | None]) -> None:
    """Raises SpecError with every distinct mistake; `num_classes` by dataset id, once the rows are known."""
    lines: dict[str, None] = {}
    checked: set[str] = set()
    for trial in plan.trials:
        if trial.repeat > 0:
            continue
        problems = _problems(trial, schemas[trial.dataset], num_classes.get(trial.dataset))
        # What a program's shapes make wrong is the same in all its trials; one of them speaks for it.
        if len(problems) and (key := _key(trial, problems)) not in checked:
            checked.add(key)
            lines.update(dict.fromkeys(located(plan.job(trial.job), trial.hyperparameters, problems)))
    if lines:
        found = list(lines)
        hidden = len(found) - MAX_SHOWN
        raise SpecError([*found[:MAX_SHOWN], f"... and {hidden} more"] if hidden > 0 else found)


def _key(trial: Trial, problems: Problems) -> str:
    return trial.job + "".join(f"|{problem.code} {problem.path} {problem.what}" for problem in problems)


def _problems(trial: Trial, schema: DataSchema, num_classes: int | None) -> Problems:
    problems, spec = Problems(), trial.spec
    output = check_model(spec.model, schema.feature_shape, ("model",), problems)
    check_metrics(spec.compile.metrics, spec.compile.loss, ("compile", "metrics"), problems)
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
