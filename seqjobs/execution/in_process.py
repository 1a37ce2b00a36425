"""InProcess: the twin of RayPool that runs everything in the calling process."""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self, final

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptPlanned,
    AttemptsPlanned,
    AttemptStarted,
    EpochEnded,
    Event,
    Member,
    WorkerStarted,
)
from seqjobs.execution.executor import DatasetFacts
from seqjobs.execution.retry import exhausted, judge, retryable_failure
from seqjobs.execution.start_runner import start_runner
from seqjobs.planning.plan import DataSource
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.outcome import Cause, EpochReport, Failure, PackRunner, TrialOutcome, Weights

WORKER = "in-process"


@final
class InProcess:
    """One worker: this process. TensorFlow is imported into it, with as many threads as `cpus`."""

    def __init__(self, *, cpus: int = 1, start: Callable[[int], PackRunner] = start_runner) -> None:
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
        self._datasets.clear()

    def load(self, sources: Sequence[DataSource]) -> Mapping[str, DatasetFacts]:
        self._datasets = {source.id: read_dataset(source) for source in sources}
        return {source_id: DatasetFacts.of(dataset) for source_id, dataset in self._datasets.items()}

    def check(self, trials: Sequence[Trial]) -> Mapping[str, Failure]:
        found = {trial.id: self._entered().check(trial, self._datasets[trial.dataset]) for trial in trials}
        return {trial_id: failure for trial_id, failure in found.items() if failure is not None}

    def run(self, packs: Sequence[Pack], attempts: Mapping[str, int]) -> Iterator[Event]:
        runner = self._entered()
        yield WorkerStarted(
            worker=WORKER, node=platform.node(), pid=os.getpid(), devices=runner.devices, versions=runner.versions
        )
        for pack in packs:
            yield from self._run_pack(pack, attempts.get(pack.id, 0))

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        return self._entered().export(trial, feature_shape, weights)

    def _entered(self) -> PackRunner:
        if self._runner is None:
            raise RuntimeError("an executor is used inside `with`")
        return self._runner

    def _run_pack(self, pack: Pack, charged: int) -> Iterator[Event]:
        if charged > pack.retries:
            yield AttemptLost(
                pack_id=pack.id, attempt=charged, worker=WORKER, failure=exhausted(charged), charged=False, final=True
            )
            return
        while True:
            attempt = charged + 1
            planned = AttemptPlanned(pack_id=pack.id, attempt=attempt, worker=WORKER, behind=None)
            yield AttemptsPlanned(attempts=(planned,))
            yield AttemptStarted(pack_id=pack.id, attempt=attempt, worker=WORKER)
            members: list[Member] = []
            failure = None
            try:
                for report in self._reports(pack, members):
                    yield EpochEnded(pack_id=pack.id, attempt=attempt, worker=WORKER, report=report)
            except Exception as error:  # (as from a Ray worker: a runner that raises has lost the attempt)
                trace = "".join(traceback.format_exception(error))
                failure = Failure(cause=Cause.CRASH, message=f"{type(error).__name__}: {error}", traceback=trace)
            failure = failure or retryable_failure([member.outcome for member in members])
            if failure is None:
                yield AttemptEnded(pack_id=pack.id, attempt=attempt, worker=WORKER, members=tuple(members))
                return
            verdict = judge(failure.cause, charged, pack.retries)
            charged += verdict.charged
            yield AttemptLost(
                pack_id=pack.id,
                attempt=attempt,
                worker=WORKER,
                failure=failure,
                charged=verdict.charged,
                final=verdict.final,
                log=members[0].outcome.log if members else "",
            )
            if verdict.final:
                return

    def _reports(self, pack: Pack, members: list[Member]) -> Iterator[EpochReport]:
        outcomes: list[TrialOutcome] = []
        for item in self._entered().run(pack, self._datasets[pack.dataset]):
            if isinstance(item, EpochReport):
                yield item
            elif isinstance(item, TrialOutcome):
                outcomes.append(item)
            else:
                members.append(Member(outcome=outcomes[-1], fetch_weights=_giving(item)))


def _giving(weights: Weights) -> Callable[[], Weights]:
    return lambda: weights
