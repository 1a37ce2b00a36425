"""The records of the commit log: how they are written, and what they amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

from seqjobs.execution.events import AttemptLost, AttemptPlanned, WorkerReplaced
from seqjobs.execution.retry import UNTRIED, Tries
from seqjobs.execution.splitting import SPLIT_AFTER
from seqjobs.results.compact_history import CompactHistory
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.run_log import Record
from seqjobs.training.outcome import NOTHING_COMPILED, Cause, Compilations, Failure
from seqjobs.training.pack_history import PackHistory, shared_history

STARTED = "submit-started"
"""The type of the first record of a submit."""
REPAIRED = "run-repaired"
"""The type of the record of a repair."""


@dataclass(frozen=True, kw_only=True)
class LostAttempt:
    """An attempt of a pack that did not come to its end."""

    pack: str
    failure: Failure


@dataclass(kw_only=True)
class LogState:
    """What the log says: a fold over its records."""

    records: dict[str, TrialRecord] = field(default_factory=dict)
    """The trials that ended for good."""
    tries: dict[str, Tries] = field(default_factory=dict)
    """What the attempts at a pack came to, also those that were under way when their driver was killed."""
    models: dict[str, str] = field(default_factory=dict)
    """Files of best models, relative to the run's folder -> the trial they were made of."""
    model_digests: dict[str, str] = field(default_factory=dict)
    """The same files -> the SHA-256 of what was written."""
    repaired: bool = False
    """Whether trials had ended that are as if they had not: for their sake weights of others were removed."""
    has_retries: bool = False
    """Whether trials that had failed were trained again: then others may be among the best, and lack weights."""
    is_finished: bool = False
    """Whether the last submit left nothing to do."""
    replaced: list[WorkerReplaced] = field(default_factory=list)
    """The workers that held more memory than their budget, in order."""
    lost: list[LostAttempt] = field(default_factory=list)
    """The attempts that died, in order; not those that were under way when their driver was killed."""
    compilations: Compilations = NOTHING_COMPILED
    """What was compiled for the attempts that ended, by all workers."""
    seconds: float = 0.0
    """How long all submits worked, up to the last record of each."""

    def go_on_from(self, epochs_of: Callable[[str], int]) -> None:
        """Clears the packs whose next attempt begins further than any before it, by the checkpoints that lie there now.

        The start of that attempt will say so in the log, to every submit that comes later.
        """
        for pack, tries in self.tries.items():
            if tries.charged or tries.is_suspect:
                self.tries[pack] = tries.begun(epochs_of(pack))

    def retry(self, trial_ids: Iterable[str], pack_ids: Iterable[str]) -> None:
        """Make trials that failed as if they had not ended, and pardon their packs."""
        for trial_id in trial_ids:
            self.records.pop(trial_id, None)
        for pack_id in pack_ids:
            self.tries[pack_id] = self.tries.get(pack_id, UNTRIED).pardoned()
        self.has_retries = True


def submit_started(started: str, versions: Mapping[str, str], writer: str = "") -> Record:
    """The first record of a submit; `writer` is like no other's, so that no two submits write the same segment."""
    return {"type": STARTED, "time": started, "versions": dict(versions), "writer": writer}


def submit_ended(*, finished: bool = False) -> Record:
    """Return the last record of a submit that ended in order: no trial that was under way caused its end.

    `finished` says that the run has nothing left to do, so that nobody needs to read its log to know it.
    """
    return {"type": "submit-ended", "finished": finished}


def says_finished(record: Record) -> bool:
    """Return whether a record is the end of a submit that left nothing to do."""
    return record.get("type") == "submit-ended" and bool(record.get("finished"))


def attempt_started(planned: AttemptPlanned) -> Record:
    return {
        "type": "attempt-started",
        "pack": planned.pack_id,
        "attempt": planned.attempt,
        "worker": planned.worker,
        "behind": planned.behind,
        "epochs": planned.epochs,
        "alone": planned.alone,
    }


def attempt_lost(lost: AttemptLost) -> Record:
    return {
        "type": "attempt-lost",
        "pack": lost.pack_id,
        "attempt": lost.attempt,
        "charged": lost.charged,
        "split": lost.split,
        "cause": lost.failure.cause,
        "message": lost.failure.message,
    }


def pack_ended(
    pack_id: str, attempt: int, records: Sequence[TrialRecord], compilations: Compilations = NOTHING_COMPILED
) -> list[Record]:
    """The end of an attempt with that of its trials: a record each, or one for all whose histories are one array."""
    cost = {"programs": compilations.programs, "compile_seconds": round(compilations.seconds, 3)}
    end = {"pack": pack_id, "attempt": attempt, **(cost if compilations.programs or compilations.seconds else {})}
    histories = [record.history for record in records]
    shared = shared_history(histories)
    if shared is None:
        return [*map(trial_ended, records), {"type": "attempt-ended", **end}]
    return [
        {
            "type": "pack-ended",
            **end,
            "compiled": records[0].compiled,
            "seconds": records[0].seconds,
            "trials": [record.trial_id for record in records],
            "values": [_number(record.value) for record in records],
            "epochs": [record.epochs for record in records],
            "weights_epochs": [record.weights_epoch for record in records],
            "weights": {record.trial_id: record.weights for record in records if record.weights is not None},
            "failures": {record.trial_id: _failure(record.failure) for record in records if record.failure is not None},
            "history": shared.encode(),
        }
    ]


def worker_replaced(replaced: WorkerReplaced) -> Record:
    return {
        "type": "worker-replaced",
        "worker": replaced.worker,
        "private_bytes": replaced.private_bytes,
        "budget": replaced.budget,
    }


def model_written(path: str, trial_id: str, digest: str) -> Record:
    return {"type": "model-written", "path": path, "trial": trial_id, "sha256": digest}


def segment_lost() -> Record:
    """Stands alone in a segment, in the place of one that was damaged."""
    return {"type": "segment-lost"}


def run_repaired(time: str, segments: Sequence[str], trial_ids: Sequence[str]) -> Record:
    """What was set aside; the trials are as if they had not ended."""
    return {"type": REPAIRED, "time": time, "segments": list(segments), "trials": list(trial_ids)}


def failed_retried(trial_ids: Sequence[str], pack_ids: Sequence[str]) -> Record:
    """Trials that failed are trained again, as if they had not ended; `pack_ids` are the packs that they are in."""
    return {"type": "failed-retried", "trials": list(trial_ids), "packs": list(pack_ids)}


def trial_ended(record: TrialRecord) -> Record:
    failure = record.failure
    return {
        "type": f"trial-{record.status}",
        "trial": record.trial_id,
        "attempt": record.attempt,
        "value": _number(record.value),
        "history": {metric: [_number(value) for value in values] for metric, values in record.history.items()},
        "weights_epoch": record.weights_epoch,
        "seconds": record.seconds,
        "weights": record.weights,
        "compiled": record.compiled,
        "failure": None if failure is None else _failure(failure),
    }


def _failure(failure: Failure) -> dict[str, str]:
    return {"cause": failure.cause, "message": failure.message, "traceback": failure.traceback}


def _number(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinity: they are written as `nan`, `inf` and `-inf`."""
    return value if value is None or math.isfinite(value) else str(value)


def fold(records: Iterable[Record]) -> LogState:
    """Return what the records amount to, read in order."""
    log = LogFold()
    for record in records:
        log.add(record)
    return log.state()


@final
class LogFold:
    """Adds up records one by one, in order; `state` returns what they amount to so far."""

    def __init__(self) -> None:
        self._state = LogState()
        self._open_attempts: dict[str, str | None] = {}
        self._alone = ""
        self._last = 0.0

    def state(self) -> LogState:
        """Return a copy, as if no more records came: attempts that are open died with their driver."""
        kept = self._state
        found = replace(
            kept,
            records=dict(kept.records),
            tries=dict(kept.tries),
            models=dict(kept.models),
            model_digests=dict(kept.model_digests),
            replaced=list(kept.replaced),
            lost=list(kept.lost),
            seconds=kept.seconds + self._last,
        )
        _suspect(found, dict(self._open_attempts), self._alone)
        return found

    def add(self, record: Record) -> None:
        state, kind = self._state, record["type"]
        if kind == STARTED:
            _suspect(state, self._open_attempts, self._alone)
            state.seconds += self._last
            self._last = 0.0
        elif kind == "attempt-started":
            self._open_attempts[record["pack"]] = record["behind"]
            _begin(state, record["pack"], record["epochs"])
            self._alone = record["pack"] if record.get("alone") else ""
        elif kind in ("submit-ended", "segment-lost"):
            # After a segment that is lost nothing shows how the attempts before it ended: none is blamed.
            self._open_attempts.clear()
            state.repaired |= kind == "segment-lost"
        elif kind in ("attempt-ended", "attempt-lost", "pack-ended"):
            _close(record["pack"], self._open_attempts)
            _count_attempt(state, record)
            if kind == "pack-ended":
                state.records.update((ended.trial_id, ended) for ended in _members(record))
        elif kind == "model-written":
            state.models[record["path"]] = record["trial"]
            state.model_digests[record["path"]] = record["sha256"]
        elif kind == REPAIRED:
            state.repaired = True
            for trial_id in record["trials"]:
                state.records.pop(trial_id, None)
        elif kind == "failed-retried":
            state.retry(record["trials"], record["packs"])
        elif kind == "worker-replaced":
            names = ("worker", "private_bytes", "budget")
            state.replaced.append(WorkerReplaced(**{name: record[name] for name in names}))
        else:
            state.records[record["trial"]] = _trial_record(record)
        self._last = record.get("at", self._last)
        state.is_finished = says_finished(record)


def _begin(state: LogState, pack: str, epochs: int) -> None:
    if epochs:
        state.tries[pack] = state.tries.get(pack, UNTRIED).begun(epochs)


def _count_attempt(state: LogState, record: Record) -> None:
    pack = record["pack"]
    if record["type"] == "attempt-lost":
        failure = Failure(cause=Cause(record["cause"]), message=record["message"])
        state.lost.append(LostAttempt(pack=pack, failure=failure))
    if record.get("charged"):
        state.tries[pack] = state.tries.get(pack, UNTRIED).died(Cause(record["cause"]))
    if record.get("split"):
        state.tries[pack] = state.tries.get(pack, UNTRIED).at_least(SPLIT_AFTER)
    state.compilations += Compilations(programs=record.get("programs", 0), seconds=record.get("compile_seconds", 0.0))


def _close(pack: str, open_attempts: dict[str, str | None]) -> None:
    """The attempt is over, and who waited behind it may have begun: also where the pack itself is soon tried again."""
    open_attempts.pop(pack, None)
    for waiting, behind in open_attempts.items():
        if behind == pack:
            open_attempts[waiting] = None


def _suspect(state: LogState, open_attempts: dict[str, str | None], alone: str) -> None:
    """Note the packs that were at work when a driver died; not those that waited behind others on their workers.

    `alone` is the pack that began last, if it was meant to be tried alone.
    """
    for pack, behind in open_attempts.items():
        if behind not in open_attempts:
            tries = state.tries.get(pack, UNTRIED)
            state.tries[pack] = tries.died_with_driver(alone=pack == alone and len(open_attempts) == 1)
    open_attempts.clear()


def _members(record: Mapping[str, Any]) -> Iterator[TrialRecord]:
    shared = PackHistory.decode(record["history"])
    columns = (record[name] for name in ("trials", "values", "epochs", "weights_epochs"))
    for index, (trial_id, value, epochs, weights_epoch) in enumerate(zip(*columns, strict=True)):
        failure = record["failures"].get(trial_id)
        yield TrialRecord(
            trial_id=trial_id,
            status=TrialStatus.FINISHED if failure is None else TrialStatus.FAILED,
            attempt=record["attempt"],
            value=None if value is None else float(value),
            history=shared.member(index, epochs),
            weights_epoch=weights_epoch,
            seconds=record["seconds"],
            weights=record["weights"].get(trial_id),
            failure=None if failure is None else _stored_failure(failure),
            compiled=record["compiled"],
        )


def _trial_record(record: Mapping[str, Any]) -> TrialRecord:
    failure = record["failure"]
    history = {metric: tuple(float(value) for value in values) for metric, values in record["history"].items()}
    return TrialRecord(
        trial_id=record["trial"],
        status=TrialStatus(record["type"].removeprefix("trial-")),
        attempt=record["attempt"],
        value=None if record["value"] is None else float(record["value"]),
        history=CompactHistory(history),
        weights_epoch=record["weights_epoch"],
        seconds=record["seconds"],
        weights=record["weights"],
        failure=None if failure is None else _stored_failure(failure),
        compiled=record["compiled"],
    )


def _stored_failure(tree: Mapping[str, Any]) -> Failure:
    # By its fields: a later version may write more of them.
    return Failure(cause=Cause(tree["cause"]), message=tree["message"], traceback=tree["traceback"])
