"""StallWatch by itself, in a time of its own: what the limit is, and whose time is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from seqjobs.execution.stall_watch import LEAST_SECONDS, LEAST_SECONDS_OVER, TIMES_THE_LONGEST, StallWatch
from seqjobs.planning.trial import Pack
from tests.conftest import MakePlan

MINUTES = 60.0


class Time:
    """A clock that only this test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pack(make_points_plan: MakePlan) -> Pack:
    return make_points_plan().packs[0]


def silent_for(watch: StallWatch, time: Time, pack: Pack, seconds: float) -> list[str]:
    """Who is given up within that time, of one worker at work; its driver looks twice a second."""
    for _ in range(round(seconds * 2)):
        time.now += 0.5
        if stalled := watch.stalled({"w1": pack}):
            return stalled
    return []


def given(pack: Pack, stall: float | Literal["auto", "off"]) -> Pack:
    return replace(pack, stall=stall)


def test_a_limit_that_is_given_holds_from_the_first_moment(pack: Pack) -> None:
    time = Time()
    watch = StallWatch(time)
    assert silent_for(watch, time, given(pack, 5.0), 5) == []
    assert silent_for(watch, time, given(pack, 5.0), 1) == ["w1"]


def test_what_comes_from_the_worker_starts_its_time_anew(pack: Pack) -> None:
    time = Time()
    watch = StallWatch(time)
    for _ in range(20):
        assert silent_for(watch, time, given(pack, 5.0), 4) == []
        watch.heard("w1", pack)


def test_auto_is_half_an_hour_or_more_where_epochs_take_long(pack: Pack) -> None:
    time = Time()
    watch = StallWatch(time)
    assert watch.limit(pack) == LEAST_SECONDS
    assert silent_for(watch, time, pack, 20 * MINUTES) == []
    watch.heard("w1", pack)
    assert watch.limit(pack) == pytest.approx(100 * MINUTES)
    assert watch.limit(replace(pack, program_key="other")) == LEAST_SECONDS
    assert silent_for(watch, time, pack, 99 * MINUTES) == []
    watch.heard("w1", pack)
    assert silent_for(watch, time, pack, 1 * MINUTES) == []
    watch.heard("w1", pack)  # a short one shortens nothing
    assert watch.limit(pack) == pytest.approx(495 * MINUTES)
    assert silent_for(watch, time, pack, 496 * MINUTES) == ["w1"]


def test_off_is_never(pack: Pack) -> None:
    time = Time()
    watch = StallWatch(time)
    assert silent_for(watch, time, given(pack, "off"), 1000 * MINUTES) == []


def test_time_in_which_the_driver_did_not_look_is_held_against_nobody(pack: Pack) -> None:
    time = Time()
    watch = StallWatch(time)
    assert silent_for(watch, time, given(pack, 5.0), 2) == []
    time.now += 3600.0  # it was stopped itself, with all that came meanwhile unread
    assert watch.stalled({"w1": given(pack, 5.0)}) == []
    watch.heard("w1", pack)
    assert silent_for(watch, time, given(pack, 5.0), 5) == []


def test_only_workers_at_work_are_watched(pack: Pack) -> None:
    time = Time()
    watch = StallWatch(time)
    assert silent_for(watch, time, given(pack, 5.0), 4) == []
    for _ in range(100):
        time.now += 0.5
        assert watch.stalled({}) == []
    assert silent_for(watch, time, given(pack, 5.0), 4) == []


def overdue_after(watch: StallWatch, time: Time, pack: Pack, most: float) -> float | None:
    """After how many seconds a worker that is at that pack is overdue; None where it is not within `most`."""
    for seconds in range(1, round(most) + 1):
        time.now += 1.0
        assert watch.stalled({"w1": pack}) == []
        if watch.overdue({"w1": pack}):
            return seconds
    return None


def limited(pack: Pack, seconds: float | None, size: int = 1) -> Pack:
    trials = tuple(replace(trial, trial_seconds=seconds) for trial in pack.trials)
    return replace(pack, trials=trials, size=size, stall="off")


def test_a_trial_is_overdue_once_its_worker_has_had_time_to_end_it(pack: Pack) -> None:
    time = Time()
    watch = StallWatch(time)
    assert overdue_after(watch, time, limited(pack, 30.0), 500) == 31 + LEAST_SECONDS_OVER
    # The next pack of the worker has a time of its own, and of a pack it is that of all its places.
    watch.turned("w1")
    assert overdue_after(watch, time, limited(pack, 30.0, size=4), 500) == 121 + LEAST_SECONDS_OVER
    watch.turned("w1")
    assert overdue_after(watch, time, limited(pack, None), 10_000) is None


def test_a_trial_of_long_epochs_has_time_to_end_one(pack: Pack) -> None:
    time = Time()
    watch = StallWatch(time)
    assert overdue_after(watch, time, limited(pack, None), 100) is None
    watch.heard("w1", pack)
    watch.turned("w1")
    assert overdue_after(watch, time, limited(pack, 30.0), 1000) == 31 + 100 * TIMES_THE_LONGEST
