"""preview: what a submit of jobs would do, from the footers of the data files or from their rows."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seqjobs.data.dataset import DataSchema, Dataset
from seqjobs.data.free_memory import free_bytes
from seqjobs.data.inspection.figures import DataFigures, raise_errors, read_figures
from seqjobs.data.inspection.schema import inspect_datasets
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.planning.column_problems import mistakes_in_specs
from seqjobs.planning.demand import note_missing_gpus
from seqjobs.planning.expansion import TrialTable, expand_jobs
from seqjobs.planning.memory_notes import note_large_batches
from seqjobs.planning.model_check import check_models, count_numbers
from seqjobs.planning.plan import Plan, make_plan

# What NVIDIA's driver makes on Linux, and how Linux on Windows (WSL 2) reaches a GPU.
GPU_DEVICES = ("/dev/nvidia[0-9]*", "/dev/dxg")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A plan with what a person wants to know about it."""

    plan: Plan
    schemas: Mapping[str, DataSchema]
    """By dataset ID."""
    parameters: Mapping[str, int]
    """How many numbers are in the weights of a template's model, by the template's key."""
    notes: tuple[str, ...]
    """What will be in the way on this machine, a sentence each, without its full stop."""
    figures: tuple[DataFigures, ...] = ()
    """Figures of each dataset, if rows were read."""

    def check_rows(self) -> None:
        """Raise what the rows show to be wrong. Raises DataError and SpecError."""
        raise_errors(self.figures)


def plan_jobs(jobs: Sequence[JobSpec]) -> Plan:
    """Return the plan that a submit of these jobs would carry out. Raises as `preview`."""
    return preview(jobs).plan


def preview(jobs: Sequence[JobSpec], *, reads_rows: bool = False) -> Preview:
    """Read the footers of the data files, check all models against them, and train nothing.

    Args:
        jobs: The jobs of one run.
        reads_rows: Whether to read the rows as well; what they show to be wrong is raised by `Preview.check_rows`.

    Raises:
        DataError: For files that cannot be read.
        SpecError: With every mistake of the specs in view of their data.
    """
    table = expand_jobs(jobs)
    with mistakes_in_specs(table):
        schemas = inspect_datasets(table.datasets)
    plan = make_plan(table, schemas)
    has_gpu = any(map(glob.glob, GPU_DEVICES))
    missing_gpus = () if has_gpu else note_missing_gpus(table.jobs)
    return Preview(
        plan=plan,
        schemas=schemas,
        parameters=count_numbers(table, schemas),
        notes=(*missing_gpus, *note_large_batches(plan, schemas, free_bytes())),
        figures=_read_figures(table, schemas) if reads_rows else (),
    )


def _read_figures(table: TrialTable, schemas: Mapping[str, DataSchema]) -> tuple[DataFigures, ...]:
    """Read the figures of each dataset; models are checked against the rows as `submit` checks them."""

    def check(dataset: Dataset) -> tuple[str, ...]:
        name = dataset.source.id
        return check_models(table, {name: schemas[name]}, {name: dataset})

    return tuple(read_figures(source, check) for source in table.datasets)
