"""Tracker: what a person wants to see of a run, updated by its events."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import final

from seqjobs.cli.views.formatting import hyperparameter_keys, short_names
from seqjobs.errors.printable import printable
from seqjobs.errors.sizes import shown_bytes
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    EpochEnded,
    Event,
    Waiting,
    WorkerLost,
    WorkerReplaced,
    WorkerStarted,
)
from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.planning.plan import Plan
from seqjobs.planning.ranking import mean_of, sort_key
from seqjobs.planning.trial import Pack, Trial
from seqjobs.results.progress import Standing
from seqjobs.results.record import TrialRecord
from seqjobs.training.outcome import EpochReport

# With less than this much of a trial done, the estimate would come from the first, slow epoch.
LEAST_PROGRESS = 0.2
LEAST_RATE = 2.0


@dataclass(kw_only=True)
class WorkerRow:
    """What a worker does at the moment; `trial` is the best member of its pack so far, None while it waits."""

    worker: str
    pack: Pack | None = None
    trial: Trial | None = None
    metric: str = ""
    epoch: int = 0  # epochs that ended
    loss: float | None = None
    values: list[float] = field(default_factory=list)
    """The objective's metric, one number per epoch."""

    @property
    def epochs(self) -> int | None:
        """The most epochs that it will train."""
        return self.pack.template.spec.fit.epochs if self.pack is not None else None

    @property
    def progress(self) -> float:
        """The epochs that ended, counted in trials."""
        return len(self.pack.trials) * min(self.epoch / self.epochs, 1.0) if self.pack and self.epochs else 0.0


@dataclass(frozen=True, kw_only=True)
class BestTrial:
    """The best committed repeat of the best assignment of an objective."""

    trial: Trial
    value: float
    """The mean over the assignment's repeats so far, which ranks it; the trial's own value without repeats."""


@final
class Tracker:
    """Costs the same per event however long the run is; only when the best assignment gets worse are all compared.

    What it shows as finished, failed or best is committed; epochs are shown as they come.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.stage = ""
        self.stage_began = clock()
        self.began = clock()
        self.run_id: str | None = None
        self.standing: Standing | None = None
        self.workers: dict[str, WorkerRow] = {}
        self.best: dict[ObjectiveSpec, BestTrial | None] = {}
        self.short_names: Mapping[str, str] = {}
        self.max_epochs = 0
        self.last_failure = ""
        self._reason = ""  # what the run waits for
        self._objectives: dict[str, ObjectiveSpec] = {}
        self.jobs: tuple[str, ...] = ()
        self._trials: dict[str, Trial] = {}
        self._repeats: dict[tuple[str, int], dict[int, tuple[Trial, float]]] = {}  # assignment -> repeat -> its end
        self._uncommitted: deque[str] = deque()
        self._training_began: float | None = None
        self._ended = 0

    def begin_stage(self, text: str) -> None:
        self.stage, self.stage_began = text, self._clock()

    def begin(self, run_id: str, plan: Plan, standing: Standing) -> None:
        """Begin with a plan. This method alone looks at every trial; the others look single ones up."""
        self.run_id, self.standing = run_id, standing
        self.stage = ""
        self.jobs = tuple(job.name for job in plan.jobs)
        self._trials = {trial.id: trial for trial in plan.trials}
        self._objectives = {job.name: job.objective for job in plan.jobs}
        self.max_epochs = max((trial.template.spec.fit.epochs for trial in plan.trials), default=0)
        self.short_names = short_names(hyperparameter_keys(trial.hyperparameters for trial in plan.trials))
        self.best = dict.fromkeys(plan.objectives)
        for trial_id, record in standing.records.items():
            if record.value is not None:
                self._note(self._trials[trial_id], record.value)
        self.best = {objective: self._best_of(objective) for objective in plan.objectives}

    def _note(self, trial: Trial, value: float) -> BestTrial:
        """Note a trial's value; return what its assignment comes to with it."""
        repeats = self._repeats.setdefault((trial.job, trial.number), {})
        repeats[trial.repeat] = (trial, value)
        return self._standing_of(repeats)

    def _standing_of(self, repeats: Mapping[int, tuple[Trial, float]]) -> BestTrial:
        ends = [repeats[repeat] for repeat in sorted(repeats)]
        objective = self._objectives[ends[0][0].job]
        best, _ = min(ends, key=lambda end: sort_key(end[1], objective))
        mean = mean_of([value for _, value in ends])
        return BestTrial(trial=best, value=math.nan if mean is None else mean)

    def _best_of(self, objective: ObjectiveSpec) -> BestTrial | None:
        """Look at all assignments: when a run is resumed, and when another repeat makes the best one worse."""
        found = [best for best in map(self._standing_of, self._repeats.values()) if self._objective(best) == objective]
        return min(
            found,
            key=lambda best: (sort_key(best.value, objective), self.jobs.index(best.trial.job), best.trial.number),
            default=None,
        )

    def _objective(self, best: BestTrial) -> ObjectiveSpec:
        return self._objectives[best.trial.job]

    def event(self, event: Event, standing: Standing) -> tuple[str, ...]:
        """Take an event; return lines for a log: a trial that failed, a worker that was lost or replaced, what the run
        waits for."""
        self.standing = standing
        notes: tuple[str, ...] = ()
        match event:
            case WorkerStarted():
                self.workers[event.worker] = WorkerRow(worker=event.worker)
            case WorkerLost():
                self.workers.pop(event.worker, None)
                notes = (f"worker {event.worker} lost: {printable(event.reason)}",)
            case WorkerReplaced():
                self.workers.pop(event.worker, None)
                held, budget = shown_bytes(event.private_bytes), shown_bytes(event.budget)
                notes = (f"worker {event.worker} replaced: it used {held} of memory, more than its {budget}",)
            case AttemptStarted():
                self._start(event.worker, event.pack_id)
            case EpochEnded():
                self._report(event)
            case AttemptEnded():
                self._end(event.worker, event.pack_id)
            case AttemptLost():
                self._end(event.worker, event.pack_id, final=event.final)
            case Waiting():
                notes = (event.reason,) if event.reason and event.reason != self._reason else ()
                self._reason = event.reason
            case _:
                pass
        return (*notes, *self._commit())

    @property
    def has_trained(self) -> bool:
        return self._training_began is not None

    def seconds(self) -> float:
        return self._clock() - self.began

    def stage_seconds(self) -> float:
        return self._clock() - self.stage_began

    def seconds_left(self) -> float | None:
        """Estimate from what this submit trained so far; None while that is too little."""
        standing = self.standing
        if standing is None or self._training_began is None:
            return None
        done = self._ended + sum(row.progress for row in self.workers.values())
        if done < LEAST_PROGRESS:
            return None
        left = max(standing.total - standing.resumed - done, 0.0)
        return (self._clock() - self._training_began) / done * left

    def trials_per_second(self) -> float | None:
        """Return the rate of this submit so far; None below two, when the time left says more."""
        if self._training_began is None:
            return None
        rate = self._ended / max(self._clock() - self._training_began, 1e-3)
        return rate if rate >= LEAST_RATE else None

    def _start(self, worker: str, pack_id: str) -> WorkerRow:
        if self._training_began is None:
            self._training_began = self._clock()
        self.stage = ""
        pack = self._pack(pack_id)
        metric = self._objectives[pack.trials[0].job].metric
        row = WorkerRow(worker=worker, pack=pack, trial=pack.trials[0], metric=metric)
        self.workers[worker] = row
        return row

    def _report(self, event: EpochEnded) -> None:
        row = self.workers.get(event.worker)
        if row is None or row.pack is None or row.pack.id != event.pack_id:
            row = self._start(event.worker, event.pack_id)
        pack = self._pack(event.pack_id)
        for report in event.reports:
            self._add(report, row, pack)

    def _add(self, report: EpochReport, row: WorkerRow, pack: Pack) -> None:
        values, losses = report.metrics.get(row.metric, ()), report.metrics.get("loss", ())
        objective = self._objectives[pack.trials[0].job]
        member = min(range(len(values)), key=lambda index: sort_key(float(values[index]), objective), default=0)
        row.trial, row.epoch = pack.trials[member], report.epoch + 1
        row.loss = float(losses[member]) if member < len(losses) else None
        row.values.extend(map(float, values[member : member + 1]))

    def _pack(self, pack_id: str) -> Pack:
        if self.standing is None:
            raise RuntimeError("events come after the plan")
        return self.standing.packs[pack_id]

    def _end(self, worker: str, pack_id: str, *, final: bool = True) -> None:
        row = self.workers.get(worker)
        if row is not None and row.pack is not None and row.pack.id == pack_id:
            self.workers[worker] = WorkerRow(worker=worker)
        if final:
            trials = self._pack(pack_id).trials
            self._ended += len(trials)
            self._uncommitted.extend(trial.id for trial in trials)

    def _commit(self) -> tuple[str, ...]:
        """Rank trials that were committed. They are committed in the order of their ends: only the oldest counts."""
        notes: list[str] = []
        records = self.standing.records if self.standing is not None else {}
        while self._uncommitted and self._uncommitted[0] in records:
            trial_id = self._uncommitted.popleft()
            notes.extend(self._rank(self._trials[trial_id], records[trial_id]))
        return tuple(notes)

    def _rank(self, trial: Trial, record: TrialRecord) -> tuple[str, ...]:
        if record.failure is not None:
            message = f"{trial.id} ({trial.job}) {record.failure.cause}: {printable(record.failure.message)}"
            self.last_failure = message
            return (f"trial {message}",)
        if record.value is not None:
            objective = self._objectives[trial.job]
            best, now = self.best.get(objective), self._note(trial, record.value)
            is_best = best is not None and (best.trial.job, best.trial.number) == (trial.job, trial.number)
            if best is None or sort_key(now.value, objective) < sort_key(best.value, objective):
                self.best[objective] = now
            elif is_best:
                self.best[objective] = self._best_of(objective)
        return ()
