"""start_runner: the one door from execution into TensorFlow."""

from __future__ import annotations

from collections.abc import Callable

from seqjobs.training import environment
from seqjobs.training.outcome import PackRunner
from seqjobs.training.span import Span

StartRunner = Callable[..., PackRunner]
"""Makes the runner of a process out of its number of CPUs, a Span where it is one of several, and its part of a GPU
where it has no whole one: see start_runner."""


def start_runner(cpus: int, span: Span | None = None, *, gpu_share: float | None = None) -> PackRunner:
    """Imports TensorFlow into this process, sets it up for `cpus` and returns what trains packs with it.

    With a `span` it waits for the other processes; of its GPU it takes up no more memory than `gpu_share` of all.
    Raises ClusterError (E506) where nothing tells how much that is.
    """
    environment.pin()
    # Imported here and nowhere else: a driver must never load TensorFlow, and the environment is pinned first.
    from seqjobs.training.trial_runner import TrialRunner  # noqa: PLC0415

    return TrialRunner.start(cpus, span, gpu_share=gpu_share)
