"""Collector: folds an executor's events into the run's log and weights."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import final

from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptsPlanned,
    CheckpointTaken,
    Event,
    Member,
    WorkerReplaced,
)
from seqjobs.execution.splitting import parts_of
from seqjobs.planning.packing import halves
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.results import log_records
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.compact_history import compact
from seqjobs.results.kept_best import KeptBest
from seqjobs.results.log_records import LogState
from seqjobs.results.progress import Standing
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.run_log import Record, RunLog
from seqjobs.results.run_names import trial_log_name
from seqjobs.results.weights import WeightsStore
from seqjobs.store.durable import reported
from seqjobs.store.run_store import RunStore
from seqjobs.training.outcome import Failure


@final
class Collector:
    """Commits what happens. A trial counts, on the screen or anywhere, only once its record is durable.

    Weights are fetched and written before the record that names them, and only of trials that `KeptBest` may keep.
    Weights are removed after the record of the better trial is durable. So whatever interrupts this, the best trials
    that are committed have their weights.
    """

    def __init__(self, plan: Plan, store: RunStore, log: RunLog, state: LogState, checkpoints: CheckpointStore) -> None:
        self._plan = plan
        self._store = store
        self._log = log
        self._checkpoints = checkpoints
        self._over: list[str] = []  # packs whose end is in the log but not durable yet
        self._weights = WeightsStore(store)
        tries = state.tries
        self._packs = {part.id: part for pack in plan.packs for part in (pack, *parts_of(pack, tries))}
        self._trials = {trial.id: trial for trial in plan.trials}
        self._objectives = {job.name: job.objective for job in plan.jobs}
        self._kept = {job.name: KeptBest(job.keep.best, job.objective, job.search.repeats) for job in plan.jobs}
        self._began = time.monotonic()
        self._committed: dict[str, TrialRecord] = {}
        self._uncommitted = dict(state.records)
        self._lack_weights: set[str] = set()
        self._with_weights: dict[str, TrialRecord] = {}  # in the log but not durable yet
        self._failed = 0
        self._resumed = len(state.records)
        self._count()
        self.standing = self._take_standing()

    def handle(self, event: Event) -> None:
        """Takes one event; on return all that must not be lost of it is durable or will be within a group commit."""
        match event:
            case AttemptsPlanned():
                self.note(*map(log_records.attempt_started, event.attempts))
                self.commit()
            case CheckpointTaken():
                self._log.check_owned()
                self._checkpoints.save(event.pack_id, event.checkpoint)
            case AttemptEnded():
                self._log.check_owned()
                self._end(event)
            case AttemptLost():
                self._log.check_owned()
                self._lose(event)
            case WorkerReplaced():
                self.note(log_records.worker_replaced(event))
            case _:
                pass
        if self._log.is_due:
            self.commit()

    def keep_weights_of(self, trial_ids: Iterable[str]) -> None:
        """Write the weights of these trials, which have ended, when their packs end once more."""
        self._lack_weights.update(trial_ids)

    def commit(self) -> None:
        """Makes everything handled so far durable."""
        self._log.commit()
        while self._over:
            self._checkpoints.remove(self._over.pop())
        self._committed.update(self._with_weights)
        self._with_weights.clear()
        if self._uncommitted:
            self._drop(self._count())
            self.standing = self._take_standing()

    def note(self, *records: Record) -> None:
        """Puts records into the log: all of them in one segment, or none."""
        at = round(time.monotonic() - self._began, 3)
        self._log.append(*({**record, "at": at} for record in records))

    def _count(self) -> list[str]:
        """Counts what is durable now; returns the weights that need not be kept, or not any more."""
        out: list[str] = []
        for trial_id, record in self._uncommitted.items():
            self._committed[trial_id] = record
            failed = record.status is TrialStatus.FAILED
            self._failed += failed
            trial = self._trials[trial_id]
            dropped = self._kept[trial.job].add(trial, record.value, failed=failed)
            weights = (self._committed[loser].weights for loser in dropped)
            out.extend(digest for digest in weights if digest is not None)
        self._uncommitted = {}
        return out

    def _drop(self, weights: list[str]) -> None:
        if weights:
            # Trials with equal weights share a file.
            self._weights.remove(set(weights) - self._kept_weights())

    def _kept_weights(self) -> set[str]:
        records = (self._committed[trial_id] for best in self._kept.values() for trial_id in best.trial_ids)
        return {record.weights for record in records if record.weights is not None}

    def _end(self, event: AttemptEnded) -> None:
        trials = self._packs[event.pack_id].trials
        records = []
        for trial, member in zip(trials, event.members, strict=True):
            if trial.id in self._committed:
                # Its pack is trained again for others, or for its weights; its bits are the same.
                self._add_weights(self._committed[trial.id], member)
                continue
            records.append(self._record(trial, event.attempt, member))
            self._keep_log(records[-1], member.outcome.log)
        self._add(log_records.pack_ended(event.pack_id, event.attempt, records, event.compilations), records)
        self._over.append(event.pack_id)

    def _record(self, trial: Trial, attempt: int, member: Member) -> TrialRecord:
        outcome = member.outcome
        record = TrialRecord(
            trial_id=trial.id,
            status=TrialStatus.FAILED if outcome.failed else TrialStatus.FINISHED,
            attempt=attempt,
            value=outcome.value(self._objectives[trial.job].metric),
            history=compact(outcome.history),
            weights_epoch=outcome.weights_epoch,
            seconds=outcome.seconds,
            failure=outcome.failure,
            compiled=outcome.compiled,
        )
        if outcome.failed or not self._kept[trial.job].would_keep(trial, record.value):
            return record
        return replace(record, weights=self._weights.save(member.fetch_weights()))

    def _add_weights(self, record: TrialRecord, member: Member) -> None:
        if record.trial_id in self._lack_weights and not member.outcome.failed:
            # As a mapping of its own: a record of one trial cannot refer to the array of its pack.
            found = replace(
                record, weights=self._weights.save(member.fetch_weights()), history=compact(dict(record.history))
            )
            self.note(log_records.trial_ended(found))
            self._with_weights[found.trial_id] = found
            self._lack_weights.discard(found.trial_id)

    def _lose(self, event: AttemptLost) -> None:
        trials = self._packs[event.pack_id].trials if event.final else ()
        ended = [trial for trial in trials if trial.id not in self._committed]
        records = [lost_trial(trial.id, event.attempt, event.failure) for trial in ended]
        for record in records:
            self._keep_log(record, event.log)
        if event.split:
            self._packs.update((half.id, half) for half in halves(self._packs[event.pack_id]))
        self._add([*map(log_records.trial_ended, records), log_records.attempt_lost(event)], records)
        if event.final or event.split:
            self._over.append(event.pack_id)

    def _add(self, entries: Sequence[Record], records: Sequence[TrialRecord]) -> None:
        """At once: a pack of which some members had ended and others not would be trained again as a whole."""
        self.note(*entries)
        self._uncommitted.update((record.trial_id, record) for record in records)

    def _keep_log(self, record: TrialRecord, text: str) -> None:
        """What a trial printed, and why it failed; of most there is nothing to keep."""
        failure = record.failure
        if failure is not None:
            text = f"{text.rstrip()}\n\n{failure.cause}: {failure.message}\n{failure.traceback}".lstrip()
        if not text:
            return
        name = trial_log_name(record.trial_id)
        with reported("a trial's log cannot be written", self._store.where(name)):
            # It is there to be read, and nothing depends on it: two fsyncs a trial would be too dear.
            self._store.put(name, text.encode("utf-8", errors="replace"), lasting=False)

    def _take_standing(self) -> Standing:
        return Standing(
            total=len(self._plan.trials),
            finished=len(self._committed) - self._failed,
            failed=self._failed,
            resumed=self._resumed,
            records=self._committed,
            plan=self._plan,
            packs=self._packs,
        )


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
