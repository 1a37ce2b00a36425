"""Warm: a RayPool over several runs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Self

from seqjobs.execution.events import Event
from seqjobs.execution.executor import DatasetFacts, Saved, nothing_saved
from seqjobs.execution.ray_pool import RayPool
from seqjobs.execution.retry import Tries
from seqjobs.planning.plan import DataSource
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.outcome import Failure, Stopping, Weights, never


class Warm:
    """A RayPool that stays as it is when a run leaves it, so that a second run begins with warm workers."""

    def __init__(self, pool: RayPool) -> None:
        self._pool = pool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def load(self, sources: Sequence[DataSource]) -> Mapping[str, DatasetFacts]:
        return self._pool.load(sources)

    def check(self, trials: Sequence[Trial]) -> Mapping[str, Failure]:
        return self._pool.check(trials)

    def run(
        self,
        packs: Sequence[Pack],
        tries: Mapping[str, Tries],
        saved: Saved = nothing_saved,
        stopping: Stopping = never,
    ) -> Generator[Event, None, None]:
        return self._pool.run(packs, tries, saved, stopping)

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        return self._pool.export(trial, feature_shape, weights)
