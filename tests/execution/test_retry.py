"""Who is charged for a lost attempt, and who is tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqjobs.execution.events import AttemptLost
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.retry import UNTRIED, Tries, exhausted, judge, retryable_failure
from seqjobs.planning.plan import Plan
from seqjobs.training.outcome import Cause, Failure, TrialOutcome
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings

NEVER_AGAIN = (Cause.SPEC, Cause.DATA, Cause.NAN, Cause.TIME)


def tries(cause: Cause, retries: int, most: int = 10) -> int:
    """How often a pack is begun that always dies of the same."""
    before = UNTRIED
    for attempt in range(1, most):
        verdict = judge(cause, before, retries)
        before = before.died(cause) if verdict.charged else before
        if verdict.final:
            return attempt
    return most


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_causes_decide_how_often_a_pack_is_tried(retries: int) -> None:
    assert {cause: tries(cause, retries) for cause in Cause} == {
        **dict.fromkeys(NEVER_AGAIN, 1),
        Cause.CRASH: retries + 1,
        Cause.OUT_OF_MEMORY: min(retries, 1) + 1,
        Cause.INFRASTRUCTURE: 10,
    }


@pytest.mark.parametrize("cause", Cause)
def test_only_infrastructure_is_nobodys_fault(cause: Cause) -> None:
    assert judge(cause, UNTRIED, 2).charged == (cause is not Cause.INFRASTRUCTURE)


def test_attempts_of_earlier_submits_count() -> None:
    assert judge(Cause.CRASH, Tries(charged=2), 2).final
    assert not judge(Cause.CRASH, Tries(charged=1), 2).final


def test_what_ran_out_of_memory_is_tried_once_more_whatever_else_it_died_of() -> None:
    crashed = UNTRIED.died(Cause.CRASH)
    assert not judge(Cause.OUT_OF_MEMORY, crashed, 2).final
    again = crashed.died(Cause.OUT_OF_MEMORY)
    assert judge(Cause.OUT_OF_MEMORY, again, 5).final
    assert not judge(Cause.CRASH, again, 5).final
    assert judge(Cause.OUT_OF_MEMORY, crashed, 1).final
    assert not judge(Cause.OUT_OF_MEMORY, again.begun(3), 2).final


def test_a_pack_that_gets_further_than_ever_before_has_nothing_held_against_it() -> None:
    tries = UNTRIED.begun(0).died().begun(0).died()
    assert tries == Tries(charged=2)
    assert tries.begun(1) == Tries(cleared=2, furthest=1)
    assert tries.died_with_driver(alone=True).begun(1) == Tries(cleared=2, furthest=1, with_driver=1)
    assert tries.begun(5).died().begun(5).died() == Tries(charged=2, cleared=2, furthest=5)
    # From a checkpoint before that one, as where the last was damaged, it must first come further again.
    assert tries.begun(5).died().begun(4).died().begun(5) == Tries(charged=2, cleared=2, furthest=5)
    assert tries.begun(5).died().begun(6) == Tries(cleared=3, furthest=6)


def outcome(cause: Cause | None) -> TrialOutcome:
    failure = None if cause is None else Failure(cause=cause, message=str(cause))
    return TrialOutcome(trial_id="t", history={}, weights_epoch=0, seconds=0.0, failure=failure)


def test_a_pack_is_tried_again_for_a_member_that_may_yet_succeed() -> None:
    assert retryable_failure([]) is None
    assert retryable_failure([outcome(None), *map(outcome, NEVER_AGAIN)]) is None
    found = retryable_failure([outcome(None), outcome(Cause.NAN), outcome(Cause.OUT_OF_MEMORY)])
    assert found is not None
    assert found.cause is Cause.OUT_OF_MEMORY


def test_a_pack_that_is_not_begun_again_says_how_often_it_died() -> None:
    assert exhausted(3) == Failure(cause=Cause.CRASH, message="3 attempts died with their worker")


def lost(plan: Plan, notes: Path, charged: int = 0) -> list[AttemptLost]:
    with InProcess(start=StartFake(notes=notes)) as executor:
        executor.load(plan.datasets)
        events = executor.run(plan.packs, {plan.packs[0].id: Tries(charged=charged)})
        return [event for event in events if isinstance(event, AttemptLost)]


@pytest.mark.parametrize(("charged", "begun"), [(0, 3), (1, 2), (2, 1), (3, 0), (9, 0)])
def test_in_process_begins_a_pack_as_often_as_is_left(
    make_points_plan: MakePlan, tmp_path: Path, charged: int, begun: int
) -> None:
    found = lost(make_points_plan(f"model.0.Dense.units={Behaviour.CRASH.value}"), tmp_path / "notes", charged)
    assert len(trainings(tmp_path / "notes")) == begun
    assert [event.final for event in found] == [*[False] * (begun - 1), True]
    assert [event.attempt for event in found] == ([*range(charged + 1, 4)] or [charged])


def test_in_process_goes_on_after_an_attempt_that_failed_once(make_points_plan: MakePlan, tmp_path: Path) -> None:
    found = lost(make_points_plan(f"model.0.Dense.units={Behaviour.FAIL_ONCE.value}"), tmp_path / "notes")
    assert [(event.charged, event.final) for event in found] == [(True, False)]
    assert len(trainings(tmp_path / "notes", "ended")) == 2
