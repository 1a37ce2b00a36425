"""make_plan: the trials of a run, and what their data is -> the final description of what will be carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import DataSchema
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.planning.choice import Choice
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.model_check import KnownRows, check_models
from seqjobs.planning.packing import choose, pack_trials
from seqjobs.planning.trial import Pack, Trial


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run will do. Holds no clock, no path of the run and nothing of the cluster."""

    table: TrialTable
    """What the specs ask for. Its trials have no choices yet: those of the plan have."""
    packs: tuple[Pack, ...]
    warnings: tuple[str, ...] = ()
    """What is suspicious in models and data together, a sentence each, without its full stop."""

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, in the order of jobs, assignments and repeats; packs are dispatched in an order of their own."""
        jobs = {job.name: index for index, job in enumerate(self.jobs)}
        trials = (trial for pack in self.packs for trial in pack.trials)
        return tuple(sorted(trials, key=lambda trial: (jobs[trial.job], trial.number, trial.repeat)))

    @property
    def jobs(self) -> tuple[JobSpec, ...]:
        """The jobs, in the order of their names."""
        return self.table.jobs

    @property
    def datasets(self) -> tuple[DataSource, ...]:
        return self.table.datasets

    @property
    def objectives(self) -> tuple[ObjectiveSpec, ...]:
        """The objectives of the jobs, each once."""
        return self.table.objectives

    @property
    def num_programs(self) -> int:
        return len({pack.program_key for pack in self.packs})

    def job(self, name: str) -> JobSpec:
        return self.table.job(name)


def make_plan(
    table: TrialTable,
    schemas: Mapping[str, DataSchema],
    rows: Mapping[str, KnownRows] | None = None,
    *,
    choices: Mapping[str, Choice] | None = None,
) -> Plan:
    """Return the plan of a run: a pure function of the arguments, made once, before anything trains.

    Args:
        table: What the specs ask for.
        schemas: The shapes, types and numbers of rows, by dataset ID.
        rows: What the rows show, by dataset ID; left out if they have not been read.
        choices: How each trial is carried out, by its key, if that was chosen before: a run keeps what it began with.

    Raises:
        SpecError: With every distinct mistake of models that do not fit their data.
    """
    warnings = check_models(table, schemas, rows)
    return plan_with(table, choose(table, schemas) if choices is None else choices, warnings)


def plan_with(table: TrialTable, choices: Mapping[str, Choice], warnings: tuple[str, ...] = ()) -> Plan:
    """Return the plan that follows from choices that were made before, without a look at the data."""
    return Plan(table=table, packs=pack_trials(table, choices), warnings=warnings)
