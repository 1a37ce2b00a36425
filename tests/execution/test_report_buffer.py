"""Reports wait for one another, but never for long."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from seqjobs.execution.report_buffer import MOST_SECONDS, ReportBuffer
from seqjobs.training.outcome import EpochReport


def sent(epochs: Sequence[float]) -> tuple[list[tuple[int, ...]], list[float]]:
    """The epochs that travel together where each takes that many seconds, and how long each waited before."""
    now = 0.0
    buffer, came = ReportBuffer(lambda: now), dict[int, float]()
    groups, waits = [], []
    for epoch, seconds in enumerate(epochs):
        now += seconds
        came[epoch] = now
        if buffer.add(EpochReport(epoch=epoch, metrics={"loss": (seconds,)})):
            groups.append(tuple(report.epoch for report in buffer.take()))
            waits += [now - came[epoch] for epoch in groups[-1]]
    rest = tuple(report.epoch for report in buffer.take())
    return [*groups, rest], waits


def test_short_epochs_travel_together() -> None:
    groups, waits = sent([0.001] * 1000)
    assert sum(groups, ()) == tuple(range(1000))
    assert len(groups) <= 1 + 1.0 / MOST_SECONDS
    assert max(waits) <= MOST_SECONDS


@pytest.mark.parametrize("seconds", [MOST_SECONDS, 3.0])
def test_long_epochs_travel_alone_and_at_once(seconds: float) -> None:
    assert sent([seconds] * 3) == ([(0,), (1,), (2,), ()], [0.0] * 3)


def test_a_report_does_not_wait_for_an_epoch_that_would_come_too_late() -> None:
    """0.2 s into the wait the next one is not worth waiting for, though 0.25 s are not over."""
    assert sent([0.1] * 4)[0] == [(0, 1), (2, 3), ()]


def test_nothing_is_lost_where_the_pack_ends() -> None:
    assert sent([0.01] * 3)[0] == [(0, 1, 2)]
