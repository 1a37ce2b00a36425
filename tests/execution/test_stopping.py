"""When a run is asked to end, and until when it may take for it; no time goes by but the clock's."""

from __future__ import annotations

import pytest

from seqjobs.execution.stopping import MOST_SECONDS, StopWish


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def states(stop: StopWish, clock: Clock, *moments: float) -> list[tuple[bool, bool]]:
    found = []
    for clock.now in moments:
        found.append((stop.is_there(), stop.is_over()))
    return found


def test_nobody_wishes_an_end_at_first() -> None:
    clock = Clock()
    assert states(StopWish(clock), clock, 0, 1e9) == [(False, False)] * 2


def test_an_end_that_is_asked_for_has_its_time_and_asking_again_gives_no_more() -> None:
    clock = Clock()
    stop = StopWish(clock)
    with stop.heeded():
        clock.now = 5.0
        assert stop.ask()
        assert states(stop, clock, 5, 5 + MOST_SECONDS) == [(True, False)] * 2
        assert stop.ask()
        assert states(stop, clock, 5.1 + MOST_SECONDS) == [(True, True)]
    assert stop.came_by_signal


def test_who_does_not_train_heeds_nothing() -> None:
    clock = Clock()
    stop = StopWish(clock)
    assert not stop.ask()
    with stop.heeded():
        pass
    assert not stop.ask()
    assert not stop.came_by_signal
    assert states(stop, clock, 0, 1e9) == [(False, False)] * 2


@pytest.mark.parametrize(("seconds", "last"), [(8.0, 0.8), (3600.0, MOST_SECONDS)])
def test_the_end_of_the_run_time_is_kept_and_saving_comes_before_it(seconds: float, last: float) -> None:
    clock = Clock()
    clock.now = 100.0
    stop = StopWish(clock)
    stop.limit(seconds)
    end = 100 + seconds
    found = states(stop, clock, end - last - 0.1, end - last + 0.1, end, end + 0.1)
    assert found == [(False, False), (True, False), (True, False), (True, True)]
    assert not stop.came_by_signal


def test_a_signal_never_gives_more_time_than_there_was() -> None:
    clock = Clock()
    stop = StopWish(clock)
    stop.limit(20.0)
    clock.now = 19.0
    with stop.heeded():
        stop.ask()
    assert states(stop, clock, 20, 20.1) == [(True, False), (True, True)]
