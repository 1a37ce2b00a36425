"""start_runner: the one door from execution into TensorFlow."""

from __future__ import annotations

from collections.abc import Callable

from seqjobs.training import environment
from seqjobs.training.outcome import PackRunner
from seqjobs.training.span import Span

StartRunner = Callable[..., PackRunner]
"""Makes the runner of a process out of its number of CPUs, and a Span where it is one of several: see start_runner."""


def start_runner(cpus: int, span: Span | None = None) -> PackRunner:
    """Imports TensorFlow into this process, sets it up for `cpus` and returns what trains packs with it.

    With a `span` it waits for the other processes.
    """
    environment.pin()
    # Imported here and nowhere else: a driver must never load TensorFlow, and the environment is pinned first.
    from seqjobs.training.trial_runner import TrialRunner  # noqa: PLC0415

    return TrialRunner.start(cpus, span)
