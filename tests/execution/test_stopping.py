"""When a run is requested to end, and how long it may take; no time passes but that of the test's clock."""

from __future__ import annotations

import pytest

from seqjobs.execution.stopping import MOST_SECONDS, StopRequest


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def states(stop: StopRequest, clock: Clock, *moments: float) -> list[tuple[bool, bool]]:
    found = []
    for clock.now in moments:
        found.append((stop.is_pending(), stop.is_over()))
    return found


def test_nothing_is_requested_at_first() -> None:
    clock = Clock()
    assert states(StopRequest(clock), clock, 0, 1e9) == [(False, False)] * 2


def test_a_request_has_its_time_and_a_second_one_gives_no_more() -> None:
    clock = Clock()
    stop = StopRequest(clock)
    with stop.accepting():
        clock.now = 5.0
        assert stop.request()
        assert states(stop, clock, 5, 5 + MOST_SECONDS) == [(True, False)] * 2
        assert stop.request()
        assert states(stop, clock, 5.1 + MOST_SECONDS) == [(True, True)]
    assert stop.was_accepted


def test_a_request_is_accepted_only_while_trials_train() -> None:
    clock = Clock()
    stop = StopRequest(clock)
    assert not stop.request()
    with stop.accepting():
        pass
    assert not stop.request()
    assert not stop.was_accepted
    assert states(stop, clock, 0, 1e9) == [(False, False)] * 2


@pytest.mark.parametrize(("seconds", "last"), [(8.0, 0.8), (3600.0, MOST_SECONDS)])
def test_the_end_of_the_run_time_is_kept_and_saving_comes_before_it(seconds: float, last: float) -> None:
    clock = Clock()
    clock.now = 100.0
    stop = StopRequest(clock)
    stop.limit(seconds)
    end = 100 + seconds
    found = states(stop, clock, end - last - 0.1, end - last + 0.1, end, end + 0.1)
    assert found == [(False, False), (True, False), (True, False), (True, True)]
    assert not stop.was_accepted


def test_a_signal_never_gives_more_time_than_there_was() -> None:
    clock = Clock()
    stop = StopRequest(clock)
    stop.limit(20.0)
    clock.now = 19.0
    with stop.accepting():
        stop.request()
    assert states(stop, clock, 20, 20.1) == [(True, False), (True, True)]
