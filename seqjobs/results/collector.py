"""Collector: folds an executor's events into the run's log and weights."""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import final

from seqjobs.execution.events import AttemptEnded, AttemptLost, AttemptsPlanned, Event, Member
from seqjobs.planning.plan import Plan
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results import log_records
from seqjobs.results.leaderboard import sort_key
from seqjobs.results.log_records import LogState
from seqjobs.results.progress import Standing
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.run_log import Record, RunLog
from seqjobs.results.weights import WeightsStore
from seqjobs.storage import durable
from seqjobs.training.outcome import Failure, TrialOutcome


@final
class Collector:
    """Commits what happens. A trial counts, on the screen or anywhere, only once its record is durable.

    Weights are fetched and written before the record that names them, and only of trials that are among their
    job's best so far: the best of the whole run were among the best when they ended.
    """

    def __init__(self, plan: Plan, paths: RunPaths, log: RunLog, state: LogState) -> None:
        self._plan = plan
        self._paths = paths
        self._log = log
        self._weights = WeightsStore(paths)
        self._packs = {pack.id: pack for pack in plan.packs}
        self._positions = {trial.id: position for position, trial in enumerate(plan.trials)}
        self._began = time.monotonic()
        self._committed = dict(state.records)
        self._uncommitted: dict[str, TrialRecord] = {}
        self._resumed = len(state.records)
        self._kept = {job.name: KeptBest(job.keep.best) for job in plan.jobs}
        for trial in plan.trials:
            if trial.id in self._committed:
                self._keeps(trial.job, self._committed[trial.id])
        self.standing = self._take_standing()

    def handle(self, event: Event) -> None:
        """Takes one event; on return all that must not be lost of it is durable or will be within a group commit."""
        match event:
            case AttemptsPlanned():
                for planned in event.attempts:
                    self._note(log_records.attempt_started(planned))
                self.commit()
            case AttemptEnded():
                self._end(event)
            case AttemptLost():
                self._lose(event)
            case _:
                pass
        if self._log.is_due:
            self.commit()

    def commit(self) -> None:
        """Makes everything handled so far durable."""
        self._log.commit()
        if self._uncommitted:
            self._committed.update(self._uncommitted)
            self._uncommitted.clear()
            self.standing = self._take_standing()

    def note(self, record: Record) -> None:
        """Puts a record of the run itself into the log."""
        self._note(record)

    def kept_weights(self) -> Mapping[str, str]:
        """Trial id -> digest, of the trials whose weights are to stay."""
        kept = {trial_id for best in self._kept.values() for trial_id in best.trial_ids}
        return {
            trial_id: record.weights
            for trial_id, record in self._committed.items()
            if trial_id in kept and record.weights is not None
        }

    def drop_other_weights(self) -> None:
        """Removes weights that better trials have pushed out."""
        self._weights.keep_only(set(self.kept_weights().values()))

    def _note(self, record: Record) -> None:
        self._log.append({**record, "at": round(time.monotonic() - self._began, 3)})

    def _end(self, event: AttemptEnded) -> None:
        pack = self._packs[event.pack_id]
        for trial, member in zip(pack.trials, event.members, strict=True):
            record = self._record(trial.job, event.attempt, member)
            self._keep_log(record, member.outcome.log)
            self._add(record)
        self._note(log_records.attempt_ended(event.pack_id, event.attempt))

    def _record(self, job: str, attempt: int, member: Member) -> TrialRecord:
        outcome = member.outcome
        record = TrialRecord(
            trial_id=outcome.trial_id,
            status=TrialStatus.FAILED if outcome.failed else TrialStatus.FINISHED,
            attempt=attempt,
            value=self._value(job, outcome),
            history=outcome.history,
            weights_epoch=outcome.weights_epoch,
            seconds=outcome.seconds,
            failure=outcome.failure,
        )
        if outcome.failed or not self._keeps(job, record):
            return record
        return replace(record, weights=self._weights.save(member.fetch_weights()))

    def _value(self, job: str, outcome: TrialOutcome) -> float | None:
        """The objective at the epoch whose weights the model ended with, so that the number describes the model."""
        values = outcome.history.get(self._plan.job(job).objective.metric, ())
        if outcome.failed or outcome.weights_epoch >= len(values):
            return None
        return values[outcome.weights_epoch]

    def _keeps(self, job: str, record: TrialRecord) -> bool:
        if record.status is not TrialStatus.FINISHED:
            return False
        key = sort_key(record.value, self._plan.job(job).objective)
        return self._kept[job].offer(key, self._positions[record.trial_id], record.trial_id)

    def _lose(self, event: AttemptLost) -> None:
        self._note(log_records.attempt_lost(event))
        if not event.final:
            return
        for trial in self._packs[event.pack_id].trials:
            record = lost_trial(trial.id, event.attempt, event.failure)
            self._keep_log(record, event.log)
            self._add(record)

    def _add(self, record: TrialRecord) -> None:
        self._note(log_records.trial_ended(record))
        self._uncommitted[record.trial_id] = record

    def _keep_log(self, record: TrialRecord, text: str) -> None:
        failure = record.failure
        if failure is not None:
            text = f"{text.rstrip()}\n\n{failure.cause}: {failure.message}\n{failure.traceback}".lstrip()
        durable.replace(self._paths.trial_log(record.trial_id), text.encode("utf-8", errors="replace"))

    def _take_standing(self) -> Standing:
        failed = sum(record.status is TrialStatus.FAILED for record in self._committed.values())
        return Standing(
            total=len(self._plan.trials),
            finished=len(self._committed) - failed,
            failed=failed,
            resumed=self._resumed,
            records=self._committed,
            plan=self._plan,
        )


@final
class KeptBest:
    """The best trials of a job so far. Ties go to the earlier in the plan, as on the leaderboard."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._worst_first: list[tuple[float, int, str]] = []

    @property
    def trial_ids(self) -> list[str]:
        return [trial_id for _, _, trial_id in self._worst_first]

    def offer(self, key: float, position: int, trial_id: str) -> bool:
        """Whether the trial is among the best now; a lower `key` is better, then a lower `position` in the plan."""
        entry = (-key, -position, trial_id)
        if len(self._worst_first) < self._count:
            heapq.heappush(self._worst_first, entry)
            return True
        if self._count == 0 or entry <= self._worst_first[0]:
            return False
        heapq.heapreplace(self._worst_first, entry)
        return True


def lost_trial(trial_id: str, attempt: int, failure: Failure) -> TrialRecord:
    """The record of a trial whose attempts all died."""
    return TrialRecord(
        trial_id=trial_id,
        status=TrialStatus.FAILED,
        attempt=attempt,
        value=None,
        history={},
        weights_epoch=-1,
        seconds=0.0,
        failure=failure,
    )
