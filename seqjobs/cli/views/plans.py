"""A plan as people read it before anything runs: jobs, data, sizes, the first trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from seqjobs.cli.views.data_figures import figures_json, print_figures
from seqjobs.cli.views.formatting import counted, hyperparameter_keys, short_names, shown_value
from seqjobs.cli.views.json_output import print_json
from seqjobs.cli.views.tables import Column, Table, print_line, print_table, results_console
from seqjobs.data.data_source import DataSource
from seqjobs.data.split_rows import split_rows
from seqjobs.errors.printable import printable
from seqjobs.errors.sizes import shown_bytes
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.preview import Preview

FIRST_TRIALS = 10


def show_plan(preview: Preview, output: str) -> None:
    """Print what would run, as tables or as JSON; with the figures of the data if rows were read."""
    if output == "json":
        data = {"data": [figures_json(dataset) for dataset in preview.figures]} if preview.figures else {}
        print_json({**plan_json(preview), **data})
        return
    print_plan(results_console(), preview)
    for dataset in preview.figures:
        print_figures(results_console(), dataset)


def plan_json(preview: Preview) -> dict[str, Any]:
    """Return `{"trials": {"total"}, "packs", "together", "programs", "notes", "jobs", "datasets", "plan"}`.

    `plan` has every trial.
    """
    plan = preview.plan
    return {
        "trials": {"total": len(plan.trials)},
        "packs": len(plan.packs),
        "together": list(pack_lines(plan)),
        "programs": plan.num_programs,
        "notes": preview.notes,
        "jobs": [_job_json(job, plan) for job in plan.jobs],
        "datasets": [_dataset_json(source, preview) for source in plan.datasets],
        "plan": [
            _trial_json(trial, pack.id, pack.program_key, preview) for pack in plan.packs for trial in pack.trials
        ],
    }


def _job_json(job: JobSpec, plan: Plan) -> dict[str, Any]:
    return {
        "job": job.name,
        "path": job.source.path,
        "trials": _num_trials(job, plan),
        "objective": job.objective.model_dump(),
        "resources": job.resources.model_dump(),
    }


def _dataset_json(source: DataSource, preview: Preview) -> dict[str, Any]:
    schema = preview.schemas[source.id]
    return {
        "dataset": source.id,
        "train": source.spec.train,
        "validation": source.spec.validation or (),
        "target": source.spec.target,
        "train_rows": schema.train_rows,
        "validation_rows": schema.validation_rows,
        "feature_shape": schema.feature_shape,
        "feature_dtype": schema.feature_dtype,
        "memory_bytes": schema.memory_bytes,
    }


def _trial_json(trial: Trial, pack: str, program_key: str, preview: Preview) -> dict[str, Any]:
    return {
        "trial": trial.id,
        "job": trial.job,
        "seed": trial.seed,
        "hyperparameters": trial.hyperparameters,
        "pack": pack,
        "program": program_key,
        "dataset": trial.dataset,
        "parameters": preview.parameters[trial.template.key],
    }


def print_plan(console: Console, preview: Preview) -> None:
    """Print tables of jobs, data and trials, and a line of totals."""
    plan = preview.plan
    tables = (_jobs_table(plan, preview), _data_table(plan, preview), _trials_table(plan, preview))
    for table in tables:
        print_table(console, table)
        console.print()
    hidden = len(plan.trials) - FIRST_TRIALS
    if hidden > 0:
        console.print(Text(f"and {counted(hidden, 'more trial')}: -o json shows all", style="dim"))
    models = counted(plan.num_programs, "model")
    totals = f"{counted(len(plan.trials), 'trial')}, {models}"
    if _packs_matter(plan):
        for line in pack_lines(plan):
            print_line(console, line)
        totals = f"{counted(len(plan.trials), 'trial')}, {counted(len(plan.packs), 'pack')}, {models}"
    print_line(console, f"{totals}; nothing was started")
    for note in preview.notes:
        print_line(console, f"note: {note}", style="yellow")


def _packs_matter(plan: Plan) -> bool:
    """Whether trials train together, or a spec says that they should or must not."""
    return any(pack.size > 1 or pack.template.spec.fit.pack != "auto" for pack in plan.packs)


def pack_lines(plan: Plan) -> Iterator[str]:
    """Yield how many trials train together, and why others do not."""
    together = [pack for pack in plan.packs if pack.size > 1]
    if together:
        trials, places = sum(len(pack.trials) for pack in together), {pack.size for pack in together}
        sizes = " or ".join(f"{size}" for size in sorted(places)) if len(places) < 4 else f"up to {max(places)}"
        yield f"{counted(trials, 'trial')} in {counted(len(together), 'pack')} of {sizes}, each pack in one program"
    for reason, trials in Counter(pack.reason for pack in plan.packs if pack.size == 1).items():
        yield f"{counted(trials, 'trial')} one at a time" + (f": {reason}" if reason else "")


def _jobs_table(plan: Plan, preview: Preview) -> Table:
    jobs = plan.jobs
    objectives = tuple(f"{job.objective.direction} {printable(job.objective.metric)}" for job in jobs)
    epochs = tuple(
        _span(trial.template.spec.fit.epochs for trial in plan.trials if trial.job == job.name) for job in jobs
    )
    sizes = tuple(
        _span(preview.parameters[trial.template.key] for trial in plan.trials if trial.job == job.name) for job in jobs
    )
    return Table(
        columns=(
            Column(title="job", cells=tuple(printable(job.name) for job in jobs)),
            Column(title="trials", cells=tuple(f"{_num_trials(job, plan):,}" for job in jobs), right=True),
            Column(title="objective", cells=objectives),
            Column(title="epochs", cells=epochs, right=True, optional=True),
            Column(title="parameters", cells=sizes, right=True),
            Column(title="spec", cells=tuple(printable(job.source.path) for job in jobs), optional=True),
        )
    )


def _data_table(plan: Plan, preview: Preview) -> Table:
    sources = plan.datasets
    schemas = [preview.schemas[source.id] for source in sources]
    shapes = tuple(f"{'x'.join(map(str, schema.feature_shape))} {schema.feature_dtype}" for schema in schemas)
    validation = tuple(_validation_cell(source, plan, preview) for source in sources)
    return Table(
        columns=(
            Column(title="data", cells=tuple(printable(", ".join(source.spec.train)) for source in sources)),
            Column(title="rows", cells=tuple(f"{schema.train_rows:,}" for schema in schemas), right=True),
            Column(title="validation", cells=validation, right=True),
            Column(title="features", cells=shapes, right=True, optional=True),
            Column(title="target", cells=tuple(printable(source.spec.target) for source in sources)),
            Column(
                title="memory", cells=tuple(shown_bytes(s.memory_bytes) for s in schemas), right=True, optional=True
            ),
        )
    )


def _validation_cell(source: DataSource, plan: Plan, preview: Preview) -> str:
    """Return the number of validation rows; with `fit.validation_split`, how many of the last training rows."""
    schema = preview.schemas[source.id]
    if schema.validation_rows is not None:
        return f"{schema.validation_rows:,}"
    fractions = {trial.template.spec.fit.validation_split for trial in plan.trials if trial.dataset == source.id}
    held_back = _span(schema.train_rows - split_rows(schema.train_rows, fraction) for fraction in fractions)
    return "-" if held_back == "0" else f"last {held_back}"


def _trials_table(plan: Plan, preview: Preview) -> Table:
    first = plan.trials[:FIRST_TRIALS]
    keys = hyperparameter_keys(trial.hyperparameters for trial in plan.trials)
    names = short_names(keys, taken=("trial", "job", "seed", "parameters"))
    sizes = tuple(f"{preview.parameters[trial.template.key]:,}" for trial in first)
    fixed = (
        Column(title="trial", cells=tuple(trial.id for trial in first), whole=True),
        Column(title="job", cells=tuple(printable(trial.job) for trial in first)),
        Column(title="seed", cells=tuple(str(trial.seed) for trial in first), right=True),
        Column(title="parameters", cells=sizes, right=True),
    )
    varied = tuple(
        Column(
            title=printable(names[key]),
            cells=tuple(shown_value(trial.hyperparameters.get(key, "")) for trial in first),
            right=True,
            optional=True,
        )
        for key in keys
        if any(key in trial.hyperparameters for trial in first)
    )
    return Table(columns=(*fixed, *varied))


def _num_trials(job: JobSpec, plan: Plan) -> int:
    return sum(trial.job == job.name for trial in plan.trials)


def _span(values: Iterator[int]) -> str:
    """`15`, or `1,234 - 5,678`"""
    found = sorted(set(values))
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} - {found[-1]:,}"
