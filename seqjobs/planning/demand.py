"""Demand: how many packs want which resources, and whether this machine has the GPUs among them."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Mapping

from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources

# What NVIDIA's driver makes on Linux, and how Linux on Windows (WSL 2) reaches a GPU.
GPU_DEVICES = ("/dev/nvidia[0-9]*", "/dev/dxg")


def demand_of(plan: Plan) -> Mapping[Resources, int]:
    """Resources -> packs, in the order in which they are wanted."""
    return Counter(pack.resources for pack in plan.packs)


def note_missing_gpus(plan: Plan) -> tuple[str, ...]:
    """Return a sentence for each job that asks for GPUs if this machine has none."""
    if any(map(glob.glob, GPU_DEVICES)):
        return ()
    wanted = {job.name: job.resources.gpus for job in plan.jobs}
    return tuple(
        f"job '{name}' asks for {gpus:g} GPU{'s' if gpus > 1 else ''} per worker, and this machine has no NVIDIA GPU: "
        "submit it to a cluster that has one, or remove resources.gpus"
        for name, gpus in wanted.items()
        if gpus != "auto" and gpus > 0
    )
