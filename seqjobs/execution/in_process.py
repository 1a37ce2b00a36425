"""InProcess: the twin of RayPool that runs everything in the calling process."""

from __future__ import annotations

import os
import platform
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self, final

from seqjobs.data.column_mistakes import ColumnsError
from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import Dataset
from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.data.new_rows import NewBatch
from seqjobs.data.read import read_dataset
from seqjobs.data.streamed.scratch import remove_rows
from seqjobs.execution.attempts import Attempts
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptPlanned,
    AttemptsPlanned,
    AttemptStarted,
    CheckpointTaken,
    EpochEnded,
    Event,
    Member,
    WorkerStarted,
)
from seqjobs.execution.executor import DatasetFacts, Saved, nothing_saved
from seqjobs.execution.new_rows_call import Predicted, answered, evaluated, predicted
from seqjobs.execution.pack_run import MembersEnded, PackEnd, PackStopped, run_pack
from seqjobs.execution.retry import Tries, least_suspect_first
from seqjobs.execution.start_runner import StartRunner, start_runner
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.outcome import Failure, PackCheckpoint, PackRunner, Stopping, Weights, never

WORKER = "in-process"


@final
class InProcess:
    """One worker: this process. TensorFlow is imported into it, with as many threads as `cpus`.

    Nobody else could end what hangs here, so `limits.stall` is not watched, and whether the run is to end is looked at
    when an epoch ends.
    """

    def __init__(self, *, cpus: int = 1, start: StartRunner = start_runner) -> None:
        self._cpus = cpus
        self._start = start
        self._runner: PackRunner | None = None
        self._datasets: dict[str, Dataset] = {}

    def __enter__(self) -> Self:
        self._runner = self._start(self._cpus)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fingerprints = [dataset.fingerprint for dataset in self._datasets.values()]
        self._datasets.clear()
        for fingerprint in fingerprints:
            remove_rows(fingerprint)

    def load(self, sources: Sequence[DataSource]) -> Mapping[str, DatasetFacts]:
        self._datasets = {}
        wrong: dict[str, ColumnsError] = {}
        for source in sources:
            try:
                self._datasets[source.id] = read_dataset(source)
            except ColumnsError as error:
                wrong[source.id] = error
        if wrong:
            raise ColumnsError.of(wrong)
        return {source_id: DatasetFacts.of(dataset) for source_id, dataset in self._datasets.items()}

    def check(self, trials: Sequence[Trial]) -> Mapping[str, Failure]:
        found = {trial.id: self._entered().check(trial, self._datasets[trial.dataset]) for trial in trials}
        return {trial_id: failure for trial_id, failure in found.items() if failure is not None}

    def run(
        self,
        packs: Sequence[Pack],
        tries: Mapping[str, Tries],
        saved: Saved = nothing_saved,
        stopping: Stopping = never,
    ) -> Generator[Event, None, None]:
        runner, account = self._entered(), Attempts(tries)
        yield WorkerStarted(
            worker=WORKER, node=platform.node(), pid=os.getpid(), devices=runner.devices, versions=runner.versions
        )
        waiting = deque(least_suspect_first(packs, tries))
        while waiting and not stopping():
            pack = waiting.popleft()
            refused = account.refused(pack, WORKER)
            if refused is not None:
                yield refused
                continue
            over = yield from self._attempt(account, pack, saved, stopping)
            if over is None:
                return
            again = account.again(pack, over)
            if account.any_ended:
                waiting.extendleft(reversed(again))
            else:
                waiting.extend(again)
            yield over

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        return self._entered().export(trial, feature_shape, weights)

    def predict(self, model: FinishedModel, batches: Iterable[NewBatch]) -> Iterator[Predicted]:
        for batch in batches:
            yield answered(predicted(self._entered(), model, batch))

    def evaluate(self, model: FinishedModel, rows: LabelledRows) -> Mapping[str, float]:
        return answered(evaluated(self._entered(), model, rows))

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:
        return self._entered().export_with_preprocessing(model)

    def _entered(self) -> PackRunner:
        if self._runner is None:
            raise RuntimeError("an executor is used inside `with`")
        return self._runner

    def _attempt(
        self, account: Attempts, pack: Pack, saved: Saved, stopping: Stopping
    ) -> Generator[Event, None, AttemptEnded | AttemptLost | None]:
        """One attempt's events but the last, which is returned; None where it was stopped."""
        checkpoint = saved(pack.id)
        epochs, content = (checkpoint.epochs, checkpoint.content) if checkpoint is not None else (0, None)
        number = account.begin(pack, epochs)
        planned = AttemptPlanned(
            pack_id=pack.id,
            attempt=number,
            worker=WORKER,
            behind=None,
            epochs=epochs,
            alone=account.is_suspect(pack),
        )
        yield AttemptsPlanned(attempts=(planned,))
        yield AttemptStarted(pack_id=pack.id, attempt=number, worker=WORKER)
        end = PackEnd(outcomes=(), weights=())
        for item in run_pack(self._entered(), pack, self._datasets[pack.dataset], content, stopping):
            if isinstance(item, PackEnd):
                end = item
            elif isinstance(item, PackStopped):
                return None
            elif isinstance(item, PackCheckpoint):
                yield CheckpointTaken(pack_id=pack.id, attempt=number, worker=WORKER, checkpoint=item)
            elif not isinstance(item, MembersEnded):
                yield EpochEnded(pack_id=pack.id, attempt=number, worker=WORKER, reports=(item,))
        members = [
            Member(outcome=outcome, fetch_weights=_giving(weights))
            for outcome, weights in zip(end.outcomes, end.weights, strict=False)
        ]
        return account.over(pack, WORKER, end, members)


def _giving(weights: Weights) -> Callable[[], Weights]:
    return lambda: weights
