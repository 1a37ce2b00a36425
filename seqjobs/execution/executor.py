"""Executor: carries out packs somewhere, and says what happens."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import DataSchema, Dataset
from seqjobs.data.preparation import Preparation
from seqjobs.execution.events import Event
from seqjobs.execution.retry import Tries
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.outcome import Failure, PackCheckpoint, Stopping, Weights, never


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """What a run must know of a dataset that is held elsewhere."""

    schema: DataSchema
    num_classes: int | None
    classes: tuple[str, ...] | None
    preparation: Preparation
    fingerprint: str
    warnings: tuple[str, ...] = ()
    empty_classes: tuple[int, ...] = ()
    feature_range: tuple[float, float] | None = None

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        return cls(
            schema=dataset.schema,
            num_classes=dataset.num_classes,
            classes=dataset.classes,
            preparation=dataset.preparation,
            fingerprint=dataset.fingerprint,
            warnings=dataset.warnings,
            empty_classes=dataset.empty_classes,
            feature_range=dataset.feature_range,
        )


Saved = Callable[[str], PackCheckpoint | None]
"""Pack id -> its last checkpoint."""


def nothing_saved(_pack_id: str) -> None:
    """Where no checkpoints are kept."""
    return


class Executor(Protocol):
    """The places where packs run: RayPool, and InProcess with the same behaviour in this very process.

    Used as a context manager: `__enter__` reaches the cluster and starts what takes long, `__exit__` gives
    everything back. A constructor only stores. Raises ClusterError where the cluster is lost.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def load(self, sources: Sequence[DataSource]) -> Mapping[str, DatasetFacts]:
        """Has each dataset read and decoded once and kept where the workers map it.

        Raises DataError; ColumnsError of all datasets together.
        """

    def check(self, trials: Sequence[Trial]) -> Mapping[str, Failure]:
        """Builds each trial's model in a worker, training nothing; trial id -> why it cannot be trained."""

    def run(
        self,
        packs: Sequence[Pack],
        tries: Mapping[str, Tries],
        saved: Saved = nothing_saved,
        stopping: Stopping = never,
    ) -> Generator[Event, None, None]:
        """Carries out the packs; `tries` has what earlier attempts came to, of packs that had any.

        `saved` is asked for a pack's last checkpoint whenever the pack is dispatched.
        An event has been handled when the next one is asked for. Every pack ends in AttemptEnded or in a final
        AttemptLost. Where it runs elsewhere, a worker that tells of nothing for longer than `Pack.stall` is given up.
        Closing the generator stops what still runs.
        Once `stopping` says so nothing more begins, and packs that can be saved go on to the end of their epoch, end
        in CheckpointTaken, and then so do the events.
        """

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        """A `.keras` file of the trial's model with these weights, built by a worker."""
