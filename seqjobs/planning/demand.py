"""Demand: how many trials want which resources, and whether this machine has the GPUs among them."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Mapping

from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.planning.expansion import TrialTable, resources_of
from seqjobs.planning.resources import Resources

# What NVIDIA's driver makes on Linux, and how Linux on Windows (WSL 2) reaches a GPU.
GPU_DEVICES = ("/dev/nvidia[0-9]*", "/dev/dxg")


def demand_of(table: TrialTable) -> Mapping[Resources, int]:
    """Return how many trials want which resources, in the order in which they are wanted."""
    resources = {job.name: resources_of(job) for job in table.jobs}
    return Counter(resources[trial.job] for trial in table.trials)


def note_missing_gpus(jobs: Iterable[JobSpec]) -> tuple[str, ...]:
    """Return a sentence for each job that asks for GPUs if this machine has none."""
    if any(map(glob.glob, GPU_DEVICES)):
        return ()
    wanted = {job.name: job.resources.gpus for job in jobs}
    return tuple(
        f"job '{name}' asks for {gpus:g} GPU{'s' if gpus > 1 else ''} per worker, and this machine has no NVIDIA GPU: "
        "submit it to a cluster that has one, or remove resources.gpus"
        for name, gpus in wanted.items()
        if gpus != "auto" and gpus > 0
    )
