"""Demand: how many trials want which resources, and which jobs want GPUs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.planning.expansion import TrialTable, resources_of
from seqjobs.planning.resources import Resources


def demand_of(table: TrialTable) -> Mapping[Resources, int]:
    """Return how many trials want which resources, in the order in which they are wanted."""
    resources = {job.name: resources_of(job) for job in table.jobs}
    return Counter(resources[trial.job] for trial in table.trials)


def note_missing_gpus(jobs: Iterable[JobSpec]) -> tuple[str, ...]:
    """Return a sentence for each job that asks for GPUs, for a machine that has none."""
    wanted = {job.name: job.resources.gpus for job in jobs}
    return tuple(
        f"job '{name}' asks for {gpus:g} GPU{'s' if gpus > 1 else ''} per worker, and this machine has no NVIDIA GPU: "
        "submit it to a cluster that has one, or remove resources.gpus"
        for name, gpus in wanted.items()
        if gpus != "auto" and gpus > 0
    )
