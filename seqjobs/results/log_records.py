"""The records of the commit log: how they are written, and what they amount to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seqjobs.execution.events import AttemptLost, AttemptPlanned, WorkerReplaced
from seqjobs.results.compact_history import CompactHistory
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.run_log import Record
from seqjobs.training.outcome import Cause, Failure


@dataclass(kw_only=True)
class LogState:
    """What the log says: a fold over its records."""

    records: dict[str, TrialRecord] = field(default_factory=dict)
    """The trials that ended for good."""
    charged: dict[str, int] = field(default_factory=dict)
    """How many attempts of a pack were charged to it; one that was under way when its driver was killed counts too."""
    models: dict[str, str] = field(default_factory=dict)
    """Files of best models, relative to the run's folder -> the trial they were made of."""
    replaced: list[WorkerReplaced] = field(default_factory=list)
    """The workers that held more memory than their budget, in order."""
    seconds: float = 0.0
    """How long all submits worked, up to the last record of each."""


def submit_started(started: str, versions: Mapping[str, str], writer: str = "") -> Record:
    """The first record of a submit; `writer` is like no other's, so that no two submits write the same segment."""
    return {"type": "submit-started", "time": started, "versions": dict(versions), "writer": writer}


def submit_ended() -> Record:
    """The last record of a submit that ended in order: whatever was under way had no part in its end."""
    return {"type": "submit-ended"}


def attempt_started(planned: AttemptPlanned) -> Record:
    return {
        "type": "attempt-started",
        "pack": planned.pack_id,
        "attempt": planned.attempt,
        "worker": planned.worker,
        "behind": planned.behind,
    }


def attempt_lost(lost: AttemptLost) -> Record:
    return {
        "type": "attempt-lost",
        "pack": lost.pack_id,
        "attempt": lost.attempt,
        "charged": lost.charged,
        "cause": lost.failure.cause,
        "message": lost.failure.message,
    }


def attempt_ended(pack_id: str, attempt: int) -> Record:
    return {"type": "attempt-ended", "pack": pack_id, "attempt": attempt}


def worker_replaced(replaced: WorkerReplaced) -> Record:
    return {
        "type": "worker-replaced",
        "worker": replaced.worker,
        "private_bytes": replaced.private_bytes,
        "budget": replaced.budget,
    }


def model_written(path: str, trial_id: str) -> Record:
    return {"type": "model-written", "path": path, "trial": trial_id}


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
        "failure": None
        if failure is None
        else {"cause": failure.cause, "message": failure.message, "traceback": failure.traceback},
    }


def _number(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinity: they are written as `nan`, `inf` and `-inf`."""
    return value if value is None or math.isfinite(value) else str(value)


def fold(records: Iterable[Record]) -> LogState:
    """What the records amount to, read in order."""
    state = LogState()
    open_attempts: dict[str, str | None] = {}
    last = 0.0
    for record in records:
        kind = record["type"]
        if kind == "submit-started":
            _charge(state, open_attempts)
            state.seconds += last
            last = 0.0
        elif kind == "attempt-started":
            open_attempts[record["pack"]] = record["behind"]
        elif kind == "submit-ended":
            open_attempts.clear()
        elif kind in ("attempt-ended", "attempt-lost"):
            _close(record["pack"], open_attempts)
            if record.get("charged"):
                state.charged[record["pack"]] = state.charged.get(record["pack"], 0) + 1
        elif kind == "model-written":
            state.models[record["path"]] = record["trial"]
        elif kind == "worker-replaced":
            names = ("worker", "private_bytes", "budget")
            state.replaced.append(WorkerReplaced(**{name: record[name] for name in names}))
        else:
            state.records[record["trial"]] = _trial_record(record)
        last = record.get("at", last)
    _charge(state, open_attempts)
    state.seconds += last
    return state


def _close(pack: str, open_attempts: dict[str, str | None]) -> None:
    """The attempt is over, and who waited behind it may have begun: also where the pack itself is soon tried again."""
    open_attempts.pop(pack, None)
    for waiting, behind in open_attempts.items():
        if behind == pack:
            open_attempts[waiting] = None


def _charge(state: LogState, open_attempts: dict[str, str | None]) -> None:
    """An attempt whose driver died counts, unless it was still behind another one on its worker."""
    for pack, behind in open_attempts.items():
        if behind not in open_attempts:
            state.charged[pack] = state.charged.get(pack, 0) + 1
    open_attempts.clear()


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
        failure=None if failure is None else Failure(**{**failure, "cause": Cause(failure["cause"])}),
        # Logs of the first versions have no word of it.
        compiled=record.get("compiled", ""),
    )
