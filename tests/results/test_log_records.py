"""What the records amount to: exact numbers, and who is charged for what."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest

from seqjobs.execution.events import AttemptLost, AttemptPlanned, WorkerReplaced
from seqjobs.results import log_records
from seqjobs.results.log_records import LogState, LostAttempt, fold
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.run_log import Record
from seqjobs.training.outcome import Cause, Compilations, Failure
from seqjobs.training.pack_history import PackHistory

SUBMIT = log_records.submit_started("2026-01-01T00:00:00+00:00", {})
END = log_records.submit_ended()


def began(pack: str, behind: str | None = None, attempt: int = 1, epochs: int = 0, *, alone: bool = False) -> Record:
    return log_records.attempt_started(
        AttemptPlanned(pack_id=pack, attempt=attempt, worker="w", behind=behind, epochs=epochs, alone=alone)
    )


def ended(pack: str) -> Record:
    (record,) = log_records.pack_ended(pack, 1, [])
    return record


def lost(pack: str, *, charged: bool) -> Record:
    failure = Failure(cause=Cause.CRASH, message="gone")
    return log_records.attempt_lost(
        AttemptLost(pack_id=pack, attempt=1, worker="w", failure=failure, charged=charged, final=False)
    )


def deaths(state: LogState) -> dict[str, int]:
    """How many attempts at each pack died that count, with a worker or with a driver, and have not been cleared."""
    counts = {pack: tries.charged + tries.is_suspect * tries.with_driver for pack, tries in state.tries.items()}
    return {pack: count for pack, count in counts.items() if count}


@pytest.mark.parametrize(
    ("records", "charged"),
    [
        ([SUBMIT, began("a"), ended("a")], {}),
        ([SUBMIT, began("a")], {"a": 1}),
        ([SUBMIT, began("a"), began("b", "a")], {"a": 1}),
        ([SUBMIT, began("a"), began("b", "a"), began("c", "b")], {"a": 1}),
        # The one before it ended, so it had begun.
        ([SUBMIT, began("a"), began("b", "a"), ended("a")], {"b": 1}),
        ([SUBMIT, began("a"), began("b", "a"), ended("a"), began("c", "b")], {"b": 1}),
        # The one before it is tried again, behind it: it had begun all the same.
        ([SUBMIT, began("a"), began("b", "a"), lost("a", charged=True), began("a", "b", 2)], {"a": 1, "b": 1}),
        # Over several submits.
        ([SUBMIT, began("a"), SUBMIT, began("a"), SUBMIT, began("a")], {"a": 3}),
        ([SUBMIT, began("a"), began("b", "a"), SUBMIT, began("b"), began("a", "b")], {"a": 1, "b": 1}),
        ([SUBMIT, began("a"), SUBMIT, began("a"), ended("a"), SUBMIT], {"a": 1}),
        ([SUBMIT, began("a"), lost("a", charged=False), began("a"), lost("a", charged=True)], {"a": 1}),
        # A submit that ended in order killed nothing: Ctrl-C or limits.run_time is not the trial's fault.
        ([SUBMIT, began("a"), began("b"), END], {}),
        ([SUBMIT, began("a"), END, SUBMIT, began("a")], {"a": 1}),
        ([SUBMIT, began("a"), SUBMIT, began("a"), END], {"a": 1}),
    ],
)
def test_what_was_under_way_when_a_driver_was_killed_is_known(
    records: Sequence[Record], charged: dict[str, int]
) -> None:
    assert deaths(fold(records)) == charged


def killed(*epochs: int, alone: bool = False) -> list[Record]:
    """Submits whose drivers were killed while an attempt was at work, each begun with a checkpoint of so many."""
    return [record for number in epochs for record in (SUBMIT, began("a", epochs=number, alone=alone))]


@pytest.mark.parametrize(
    ("records", "saved", "tries"),
    [
        # One that gets further each time, as a trial that lasts longer than its drivers do.
        (killed(*range(0, 100, 10), alone=True), 90, (0, True, 1)),
        (killed(*range(0, 100, 10), alone=True), 91, (0, False, 0)),
        # One that never does, and one that did and then does no more.
        (killed(0, 0, 0, alone=True), 0, (0, True, 3)),
        (killed(0, 49, 49, 49, alone=True), 49, (0, True, 3)),
        # What was reached once is no news.
        (killed(0, 49, 0, 49, alone=True), 48, (0, True, 3)),
        (killed(0, 49, 0, 49, alone=True), 50, (0, False, 0)),
        # Where other packs were at work, nobody knows the cause.
        (killed(0, 0, 0), 0, (0, True, 0)),
        ([SUBMIT, began("b"), began("a", alone=True)], 0, (0, True, 0)),
        ([*killed(0), SUBMIT, began("a", alone=True), began("b")], 0, (0, True, 0)),
        # Deaths of workers are counted apart, and cleared in the same way.
        ([SUBMIT, began("a"), lost("a", charged=True), began("a", epochs=5), *killed(5)], 5, (0, True, 0)),
        ([SUBMIT, began("a"), lost("a", charged=True), *killed(0, alone=True)], 0, (1, True, 1)),
        ([SUBMIT, began("a"), lost("a", charged=True), *killed(0, alone=True)], 1, (0, False, 0)),
        # What waits behind another is begun by nobody, and is no suspect, wherever it would have begun.
        ([SUBMIT, began("b"), began("a", "b", epochs=5)], 5, (0, False, 0)),
    ],
)
def test_a_pack_that_began_further_than_ever_before_is_cleared(
    records: Sequence[Record], saved: int, tries: tuple[int, bool, int]
) -> None:
    for _ in range(2):
        state = fold(json.loads(json.dumps(records)))
        state.go_on_from(lambda pack: saved if pack == "a" else 0)
        found = state.tries["a"]
        assert (found.charged, found.is_suspect, found.died_alone) == tries


def test_failed_trials_that_are_trained_again_have_not_ended_and_their_packs_are_pardoned() -> None:
    ends = [log_records.trial_ended(record(trial_id=name, status=TrialStatus.FAILED)) for name in "tu"]
    records = [*killed(0, 0, 0, 0, alone=True), *ends, SUBMIT, log_records.failed_retried(["t"], ["a"])]
    state = fold(json.loads(json.dumps(records)))
    assert set(state.records) == {"u"}
    assert state.has_retries
    found = state.tries["a"]
    # The numbers of its attempts go on, and it is still tried alone.
    assert (found.num_died, found.died_alone, found.is_suspect) == (4, 0, True)


def test_reading_a_log_piece_by_piece_or_twice_changes_nothing() -> None:
    records = [SUBMIT, began("a"), began("b", "a"), ended("a")]
    before = json.dumps(records)
    assert deaths(fold(iter(records))) == deaths(fold(records)) == {"b": 1}
    assert json.dumps(records) == before


def record(**changes: object) -> TrialRecord:
    history = {"loss": (0.1 + 0.2, 5e-324, -0.0), "val_loss": (math.nan, math.inf, -math.inf)}
    plain = {"trial_id": "t", "attempt": 2, "value": 1 / 3, "history": history, "weights_epoch": 1, "seconds": 0.25}
    plain["compiled"] = "xla"
    return TrialRecord(**{**plain, "status": TrialStatus.FINISHED, "weights": "ff", **changes})  # type: ignore[arg-type]


def test_numbers_come_back_bit_for_bit() -> None:
    written = json.dumps(log_records.trial_ended(record()), allow_nan=False)
    found = fold([json.loads(written)]).records["t"]
    assert repr(found) == repr(record())


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, 0.1])
def test_any_value_comes_back(value: float | None) -> None:
    failure = Failure(cause=Cause.NAN, message="the loss became \ud800", traceback="line\nline")
    given = record(value=value, status=TrialStatus.FAILED, failure=failure, weights=None, history={})
    found = fold([json.loads(json.dumps(log_records.trial_ended(given), allow_nan=False))]).records["t"]
    assert repr(found) == repr(given)
    assert found.failure == failure


def test_attempts_that_died_are_known() -> None:
    records = [SUBMIT, began("a"), lost("a", charged=False), began("a"), lost("a", charged=True), began("b"), SUBMIT]
    state = fold(json.loads(json.dumps(records)))
    assert state.lost == 2 * [LostAttempt(pack="a", failure=Failure(cause=Cause.CRASH, message="gone"))]


def test_workers_that_were_replaced_are_known() -> None:
    replaced = [
        WorkerReplaced(worker=f"w{number}", private_bytes=3 * 2**30 + number, budget=2**31) for number in (1, 2)
    ]
    records = [SUBMIT, began("a"), *map(log_records.worker_replaced, replaced), ended("a")]
    state = fold(json.loads(json.dumps(records)))
    assert state.replaced == replaced
    assert (state.records, deaths(state)) == ({}, {})


def test_the_last_end_of_a_trial_and_of_a_model_counts() -> None:
    records = [log_records.trial_ended(record(attempt=attempt)) for attempt in (1, 2)]
    models = [log_records.model_written("best.keras", trial, f"sha of {trial}") for trial in ("t", "u")]
    state = fold([*records, *models])
    assert state.records["t"].attempt == 2
    assert state.models == {"best.keras": "u"}
    assert state.model_digests == {"best.keras": "sha of u"}


def test_a_repair_takes_trials_back_and_blames_nobody_for_what_a_lost_segment_had() -> None:
    records = [SUBMIT, began("a"), log_records.trial_ended(record()), log_records.segment_lost()]
    assert deaths(fold(records)) == {}
    assert set(fold(records).records) == {"t"}
    assert fold([*records, log_records.run_repaired("now", ["00000002.jsonl"], ["t", "unknown"])]).records == {}


def test_the_seconds_of_all_submits_add_up() -> None:
    records = [{**SUBMIT, "at": 0.0}, {**ended("a"), "at": 2.5}, {**SUBMIT, "at": 0.0}, {**END, "at": 4.0}]
    assert fold(records).seconds == 6.5
    assert fold([]).seconds == 0.0


def test_no_two_submits_write_the_same_first_record() -> None:
    assert log_records.submit_started("now", {}, writer="a") != log_records.submit_started("now", {}, writer="b")


def test_a_pack_is_one_record_whose_histories_come_back_bit_for_bit() -> None:
    numbers = np.array([[[0.1, math.nan, 3e-45], [0.2, 5.0, math.inf]], [[1, 2, 3], [4, 5, 6]]], np.float32)
    history = PackHistory(metrics=("loss", "val_loss"), values=numbers)
    failure = Failure(cause=Cause.NAN, message="the loss became nan in epoch 1")
    members = [
        record(trial_id="a", history=history.member(0, 2)),
        record(trial_id="b", history=history.member(1, 1), value=None, weights=None, failure=failure,
               status=TrialStatus.FAILED),
        record(trial_id="c", history=history.member(2, 2), value=math.inf, weights=None),
    ]  # fmt: skip
    compilations = Compilations(programs=1, seconds=2.5)
    (written,) = log_records.pack_ended("p", 2, members, compilations)
    state = fold([SUBMIT, began("p"), json.loads(json.dumps(written, allow_nan=False))])
    assert repr(list(state.records.values())) == repr(members)
    assert [found.epochs for found in state.records.values()] == [2, 1, 2]
    assert deaths(state) == {}
    assert state.compilations == compilations


def test_members_that_were_trained_one_by_one_have_a_record_each() -> None:
    records = log_records.pack_ended("p", 2, [record(trial_id="a"), record(trial_id="b")])
    assert [found["type"] for found in records] == ["trial-finished", "trial-finished", "attempt-ended"]
    assert set(fold(records).records) == {"a", "b"}


def test_what_was_compiled_adds_up() -> None:
    ends = [log_records.pack_ended(name, 1, [], Compilations(programs=1, seconds=1.5))[-1] for name in "ab"]
    assert fold([*ends, ended("c")]).compilations == Compilations(programs=2, seconds=3.0)
