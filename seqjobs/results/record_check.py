"""RecordCheck: whether a record of a log is one that seqjobs writes, for the run that the log is in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, final

from seqjobs.results.record import TrialStatus
from seqjobs.results.stored_values import (
    Field,
    Fields,
    check_distinct,
    check_fields,
    either,
    is_count,
    is_digest,
    is_epoch,
    is_flag,
    is_id,
    is_message,
    is_metric,
    is_name,
    is_object,
    is_seconds,
    is_text,
    is_time,
    list_of,
    mapping_of,
    or_null,
)
from seqjobs.training.outcome import Cause

_FLOAT_BYTES = 4
_SEGMENT = re.compile(r"[0-9]{8}\.jsonl")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_BEST = re.compile(r"best(?:/(.+))?\.keras")

_PACK = Field(test=is_id, expected="the ID of a pack")
_COUNT = Field(test=is_count, expected="a whole number of 0 or more")
_SECONDS = Field(test=is_seconds, expected="a number of seconds")
_TEXT = Field(test=is_text, expected="a text")
_CAUSE = Field(test=either(*Cause), expected="the cause of a failure")
_FAILURE: Fields = {
    "cause": _CAUSE,
    "message": Field(test=is_message, expected="a text"),
    "traceback": Field(test=is_message, expected="a text"),
}


def _optional(field: Field) -> Field:
    """Return a field that is there only if there is something to say."""
    return Field(test=field.test, expected=field.expected, required=False)


def _is_model(path: object) -> bool:
    """Return whether a path, relative to the run's folder, is that of a best model."""
    found = _BEST.fullmatch(path) if isinstance(path, str) else None
    return found is not None and (found[1] is None or is_name(found[1]))


def _is_segment(name: object) -> bool:
    return isinstance(name, str) and _SEGMENT.fullmatch(name) is not None


def _is_base64(text: object) -> bool:
    return isinstance(text, str) and len(text) % 4 == 0 and _BASE64.fullmatch(text) is not None


_COMPILATIONS = {"programs": _optional(_COUNT), "compile_seconds": _optional(_SECONDS)}
_ATTEMPT_ENDED: Fields = {"pack": _PACK, "attempt": _COUNT, **_COMPILATIONS}
_TRIAL_ENDED: Fields = {
    "trial": Field(test=is_id, expected="the ID of a trial"),
    "attempt": _COUNT,
    "value": Field(test=or_null(is_metric), expected="a number or null"),
    "history": Field(test=mapping_of(is_text, list_of(is_metric)), expected="metrics with their numbers"),
    "weights_epoch": Field(test=is_epoch, expected="the number of an epoch"),
    "seconds": _SECONDS,
    "weights": Field(test=or_null(is_digest), expected="a SHA-256 or null"),
    "compiled": _TEXT,
    "failure": Field(test=or_null(is_object), expected="a failure or null"),
}
_PACK_ENDED: Fields = {
    **_ATTEMPT_ENDED,
    "compiled": _TEXT,
    "seconds": _SECONDS,
    "trials": Field(test=list_of(is_id), expected="a list of IDs"),
    "values": Field(test=list_of(or_null(is_metric)), expected="a list of numbers"),
    "epochs": Field(test=list_of(is_count), expected="a list of whole numbers"),
    "weights_epochs": Field(test=list_of(is_epoch), expected="a list of numbers of epochs"),
    "weights": Field(test=mapping_of(is_id, is_digest), expected="SHA-256s of trials"),
    "failures": Field(test=mapping_of(is_id, is_object), expected="failures of trials"),
    "history": Field(test=is_object, expected="a history"),
}
_HISTORY: Fields = {
    "metrics": Field(test=list_of(is_text), expected="a list of names"),
    "shape": Field(test=list_of(is_count), expected="a shape"),
    "float32": Field(test=_is_base64, expected="numbers in base64"),
}
_KINDS: dict[str, Fields] = {
    "submit-started": {
        "time": Field(test=is_time, expected="a time"),
        "versions": Field(test=mapping_of(is_text, is_text), expected="versions"),
        "writer": _TEXT,
    },
    "submit-ended": {"finished": Field(test=is_flag, expected="true or false")},
    "attempt-started": {
        "pack": _PACK,
        "attempt": _COUNT,
        "worker": _TEXT,
        "behind": Field(test=or_null(is_id), expected="the ID of a pack or null"),
        "epochs": _COUNT,
        "alone": Field(test=is_flag, expected="true or false"),
    },
    "attempt-ended": _ATTEMPT_ENDED,
    "attempt-lost": {
        "pack": _PACK,
        "attempt": _COUNT,
        "charged": Field(test=is_flag, expected="true or false"),
        "split": Field(test=is_flag, expected="true or false"),
        "cause": _CAUSE,
        "message": Field(test=is_message, expected="a text"),
    },
    "pack-ended": _PACK_ENDED,
    **{f"trial-{status}": _TRIAL_ENDED for status in TrialStatus},
    "model-written": {
        "path": Field(test=_is_model, expected="the path of a best model"),
        "trial": Field(test=is_id, expected="the ID of a trial"),
        "sha256": Field(test=is_digest, expected="a SHA-256"),
    },
    "segment-lost": {},
    "run-repaired": {
        "time": Field(test=is_time, expected="a time"),
        "segments": Field(test=list_of(_is_segment), expected="a list of segments"),
        "trials": Field(test=list_of(is_id), expected="a list of IDs"),
    },
    "failed-retried": {
        "trials": Field(test=list_of(is_id), expected="a list of IDs"),
        "packs": Field(test=list_of(is_id), expected="a list of IDs"),
    },
    "worker-replaced": {"worker": _TEXT, "private_bytes": _COUNT, "budget": _COUNT},
}
_AT = {"at": _optional(_SECONDS)}


@final
class RecordCheck:
    """Checks records one by one; `trials` are the IDs of the run's plan."""

    def __init__(self, trials: Iterable[str]) -> None:
        self._trials = frozenset(trials)

    def __call__(self, record: Any) -> None:
        """Raises ValueError for a record that seqjobs would not write into this run."""
        kind = record.get("type") if isinstance(record, dict) else None
        fields = _KINDS.get(kind) if isinstance(kind, str) else None
        if fields is None:
            raise ValueError("it has a record of an unknown type")
        check_fields(record, fields, kind or "")
        check_fields(record, _AT, kind or "")
        if kind == "pack-ended":
            self._check_pack(record)
        elif fields is _TRIAL_ENDED:
            self._check_known([record["trial"]])
            if record["failure"] is not None:
                check_fields(record["failure"], _FAILURE, "failure")

    def _check_pack(self, record: Any) -> None:
        trials = record["trials"]
        self._check_known(trials)
        check_distinct(trials, "trials of a pack")
        if not {*record["weights"], *record["failures"]} <= set(trials):
            raise ValueError("it has weights or failures of other trials than those of its pack")
        for failure in record["failures"].values():
            check_fields(failure, _FAILURE, "failure")
        columns = [record[name] for name in ("values", "epochs", "weights_epochs")]
        if any(len(column) != len(trials) for column in columns):
            raise ValueError("it has not one value for each trial of its pack")
        _check_history(record["history"], len(trials), max(record["epochs"], default=0))

    def _check_known(self, trials: Iterable[str]) -> None:
        unknown = next((trial for trial in trials if trial not in self._trials), None)
        if unknown is not None:
            raise ValueError(f"it has the end of trial {unknown}, which is not in run.json")


def _check_history(history: Any, members: int, epochs: int) -> None:
    check_fields(history, _HISTORY, "history")
    metrics, shape = history["metrics"], history["shape"]
    num_bytes = len(history["float32"]) // 4 * 3 - history["float32"][-2:].count("=")
    if math.prod(shape) * _FLOAT_BYTES != num_bytes:
        raise ValueError("it has a history of another size than its numbers")
    if not metrics:
        if epochs or math.prod(shape):
            raise ValueError("it has epochs without a metric")
        return
    if len(shape) != 3 or shape[0] != len(metrics) or shape[1] < epochs or shape[2] < members:
        raise ValueError("it has a history of another shape than its pack")
    check_distinct(metrics, "metrics")
