"""What runs inside a Ray worker process."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import psutil

from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import Dataset
from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.data.new_rows import NewBatch
from seqjobs.data.read import read_dataset
from seqjobs.data.streamed.presence import present
from seqjobs.errors import DataError, SeqjobsError, UnforeseenError
from seqjobs.execution.captured_output import CapturedOutput
from seqjobs.execution.companions import SpanningRunner, start_spanning
from seqjobs.execution.executor import DatasetFacts
from seqjobs.execution.hardening import harden
from seqjobs.execution.new_rows_call import Predicted, evaluated, predicted
from seqjobs.execution.noted_reading import noted_reading
from seqjobs.execution.pack_run import MembersEnded, PackEnd, PackStopped, run_pack
from seqjobs.execution.report_buffer import ReportBuffer
from seqjobs.execution.start_runner import StartRunner
from seqjobs.execution.stream_items import SMALL_BYTES, Begun, Ended, Reported, StreamItem
from seqjobs.planning.resources import Resources, gpu_share
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.outcome import EpochReport, Failure, PackCheckpoint, PackRunner, Stopping, Weights

SIGNALS = "signals"
"""Ray's concurrency group of `Worker.stop`: a thread beside the one that carries out all else, a call at a time."""


@dataclass(frozen=True, kw_only=True)
class WorkerFacts:
    """What a worker says of itself once TensorFlow is imported."""

    node: str
    node_ids: tuple[str, ...]
    """Ray's ids of the machines that its processes are on, its own first."""
    pid: int
    devices: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    private_bytes: int
    num_packs: int
    """How many it has trained, in this run or before it."""


@final
class Worker:
    """The actor: one process, one PackRunner, one pack at a time; with companions where trials span several.

    Once it holds more than `memory` bytes of its own it begins no further pack: its driver replaces it.
    """

    def __init__(self, start: StartRunner, resources: Resources, gpus: float = 0, group: Any = None) -> None:
        self._output = CapturedOutput()
        self._memory = resources.memory
        self._held = 0  # as its driver was told last
        self._num_packs = 0
        self._stopped = ""
        self._spanning: SpanningRunner | None = None
        with self._output:
            if group is not None:
                self._spanning = start_spanning(start, resources, gpus, group)
            self._runner: PackRunner = self._spanning or _started(start, resources.cpus, gpu_share(gpus))

    def facts(self) -> WorkerFacts:
        import ray  # noqa: PLC0415 (loaded already, being inside a Ray worker; a driver may have to wait for it)

        self._held = private_bytes()
        others = () if self._spanning is None else self._spanning.node_ids
        return WorkerFacts(
            node=platform.node(),
            node_ids=(ray.get_runtime_context().get_node_id(), *others),
            pid=os.getpid(),
            devices=self._runner.devices,
            versions=self._runner.versions,
            private_bytes=self._held,
            num_packs=self._num_packs,
        )

    def decode(self, source: DataSource, note: str) -> tuple[DatasetFacts | SeqjobsError, Dataset | None]:
        """Do as the function `decode`, in a process that has its imports behind it."""
        return decode(source, note)

    def check(self, trial: Trial, dataset: Dataset) -> Failure | None:
        with self._output:
            return self._runner.check(trial, present(dataset))

    def run(
        self,
        packs: tuple[Pack, ...],
        dataset: Dataset,
        saved: Mapping[str, bytes],
        run: str = "",
        rows: Sequence[Any] = (),
    ) -> Iterator[StreamItem | tuple[Weights, ...]]:
        """The stream of `stream_items`; what was printed is added to each outcome.

        `saved` has the contents of checkpoints, by the packs' ids. `run` is what `stop` may be called with; `rows` the
        reference of the dataset, where other processes want it too.
        """
        if self._spanning is not None:
            self._spanning.rows = rows

        dataset = present(dataset)

        def stopping() -> bool:
            return run != "" and run == self._stopped

        unsent: StreamItem = ()
        for pack in packs:
            if stopping():
                unsent = (*unsent, PackStopped())
                break
            if self._memory is not None and self._held > self._memory:
                break
            yield (*unsent, Begun())
            unsent = ()
            reports, began = ReportBuffer(), time.monotonic()
            for item in self._captured(pack, dataset, saved.get(pack.id), stopping):
                if isinstance(item, PackEnd):
                    ended, weights = self._ended(item, time.monotonic() - began)
                    unsent = (Reported(reports=reports.take()), ended)
                    if weights:
                        yield unsent
                        yield weights
                        unsent = ()
                elif isinstance(item, PackCheckpoint):
                    yield (Reported(reports=reports.take()), item)
                elif isinstance(item, PackStopped):
                    yield (Reported(reports=reports.take()), item)
                    return
                elif isinstance(item, MembersEnded) or reports.add(item):
                    yield (Reported(reports=reports.take()),)
        if unsent:
            yield unsent

    def stop(self, run: str) -> None:
        """To be called in the group SIGNALS: the calls of `run` with that word end soon, and begin nothing more.

        It names the run, for what is called later may be another's.
        """
        self._stopped = run

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        with self._output:
            return self._runner.export(trial, feature_shape, weights)

    def predict(self, model: FinishedModel, batch: NewBatch) -> Predicted | DataError:
        with self._output:
            return predicted(self._runner, model, batch)

    def evaluate(self, model: FinishedModel, rows: LabelledRows, note: str) -> Mapping[str, float] | DataError:
        """Evaluate the model; `note` is as of `decode`."""
        try:
            with self._output, noted_reading(note):
                return evaluated(self._runner, model, rows)
        except DataError as error:
            return error

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:
        with self._output:
            return self._runner.export_with_preprocessing(model)

    def _captured(
        self, pack: Pack, dataset: Dataset, saved: bytes | None, stopping: Stopping
    ) -> Iterator[EpochReport | PackCheckpoint | MembersEnded | PackStopped | PackEnd]:
        self._output.clear()
        items = run_pack(self._runner, pack, dataset, saved, stopping)
        while True:
            with self._output:
                item = next(items, None)
            if item is None:
                return
            yield self._with_output(item) if isinstance(item, PackEnd) else item

    def _with_output(self, end: PackEnd) -> PackEnd:
        text = self._output.text()
        if not text:
            return end
        # All of a pack printed it; one has it, so that it is stored once.
        first, *others = end.outcomes or (None,)
        outcomes = () if first is None else (replace(first, log=first.log + text), *others)
        return replace(end, outcomes=outcomes, printed=text)

    def _ended(self, end: PackEnd, seconds: float) -> tuple[Ended, tuple[Weights, ...]]:
        """The pack's end, and its weights where they are too large to be in it."""
        self._held = private_bytes()
        self._num_packs += 1
        is_small = sum(array.nbytes for weights in end.weights for array in weights) <= SMALL_BYTES
        sent = end if is_small else replace(end, weights=())
        ended = Ended(end=sent, weights_follow=not is_small, seconds=seconds, private_bytes=self._held)
        return ended, () if is_small else end.weights


def private_bytes() -> int:
    """Memory of this process that it shares with no other."""
    memory = psutil.Process().memory_info()
    return memory.rss - memory.shared


def decode_alone(source: DataSource, note: str) -> tuple[DatasetFacts | SeqjobsError, Dataset | None]:
    """Do as `decode`, in a process that Ray has for tasks alone."""
    harden()
    return decode(source, note)


def _started(start: StartRunner, cpus: int, share: float | None) -> PackRunner:
    return start(cpus) if share is None else start(cpus, gpu_share=share)


def decode(source: DataSource, note: str) -> tuple[DatasetFacts | SeqjobsError, Dataset | None]:
    """Read a dataset: what the driver must know of it, and the rows, which stay in the object store.

    An error of the data is a value here: Ray would wrap it, and try again what cannot get better. A process may die
    of a file; Ray then calls this function again with the same `note`, and the answer is the error that names the file.
    """
    try:
        with noted_reading(note):
            dataset = read_dataset(source)
    except (DataError, UnforeseenError) as error:
        return error, None
    return DatasetFacts.of(dataset), dataset
