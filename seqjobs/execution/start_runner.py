"""start_runner: the one door from execution into TensorFlow."""

from __future__ import annotations

from seqjobs.training import environment
from seqjobs.training.outcome import PackRunner


def start_runner(cpus: int) -> PackRunner:
    """Imports TensorFlow into this process, sets it up for `cpus` and returns what trains packs with it."""
    environment.pin()
    # Imported here and nowhere else: a driver must never load TensorFlow, and the environment is pinned first.
    from seqjobs.training.trial_runner import TrialRunner  # noqa: PLC0415

    return TrialRunner.start(cpus)
