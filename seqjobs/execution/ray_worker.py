"""What runs inside a Ray worker process."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, final

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError
from seqjobs.execution.captured_output import CapturedOutput
from seqjobs.execution.executor import DatasetFacts
from seqjobs.planning.plan import DataSource
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.outcome import Failure, PackRunner, TrialOutcome, Weights


@dataclass(frozen=True, kw_only=True)
class WorkerFacts:
    """What a worker says of itself once TensorFlow is imported."""

    node: str
    node_id: str
    pid: int
    devices: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The first item of a pack's stream: the worker has taken it up."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The last item of a pack's stream: all before it is whole."""


@final
class Worker:
    """The actor: one process, one PackRunner, one pack at a time."""

    def __init__(self, cpus: int, start: Callable[[int], PackRunner]) -> None:
        self._output = CapturedOutput()
        with self._output:
            self._runner = start(cpus)

    def facts(self) -> WorkerFacts:
        import ray  # noqa: PLC0415 (loaded already, being inside a Ray worker; a driver may have to wait for it)

        return WorkerFacts(
            node=platform.node(),
            node_id=ray.get_runtime_context().get_node_id(),
            pid=os.getpid(),
            devices=self._runner.devices,
            versions=self._runner.versions,
        )

    def check(self, trial: Trial, dataset: Dataset) -> Failure | None:
        with self._output:
            return self._runner.check(trial, dataset)

    def run(self, pack: Pack, dataset: Dataset) -> Iterator[Any]:
        """A stream: Begun, what PackRunner.run yields with what was printed added to each outcome, Ended."""
        yield Begun()
        self._output.clear()
        items = self._runner.run(pack, dataset)
        while True:
            with self._output:
                item = next(items, None)
            if item is None:
                yield Ended()
                return
            if isinstance(item, TrialOutcome):
                item = replace(item, log=item.log + self._output.text())
            yield item

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        with self._output:
            return self._runner.export(trial, feature_shape, weights)


def decode(source: DataSource) -> tuple[DatasetFacts | DataError, Dataset | None]:
    """Reads a dataset: what the driver must know of it, and the rows, which stay in the object store.

    An error of the data is a value here: Ray would wrap it, and try again what cannot get better.
    """
    try:
        dataset = read_dataset(source)
    except DataError as error:
        return error, None
    return DatasetFacts.of(dataset), dataset
