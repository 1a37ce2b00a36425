"""Workers that hang outside training: they are replaced, or the command ends with a message."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.errors import ClusterError
from seqjobs.execution import ray_asks
from seqjobs.execution.deadline import READ_SECONDS, TimeLimits
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.resources import Resources
from tests.conftest import MakePlan
from tests.execution.test_predicting import finished
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.plans import table_of
from tests.fixtures.runs import moved_points

pytestmark = [pytest.mark.ray, pytest.mark.slow]

LIMITS = TimeLimits(read_seconds=3.0)
STOPPED: list[int] = []
"""Processes that tests stopped: a pool that is left ends them."""


@pytest.fixture(scope="module")
def pool() -> Iterator[RayPool]:
    with RayPool({Resources(): 2}, workers=2, start=StartFake()) as entered:
        yield entered
    for pid in STOPPED:
        wait_until_gone(pid)


def stop_a_worker(pool: RayPool) -> int:
    """Return the process ID of a stopped worker: the one that is asked first."""
    pid = pool.describe().pid
    os.kill(pid, signal.SIGSTOP)
    STOPPED.append(pid)
    return pid


def wait_until_gone(pid: int) -> None:
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.05)


def test_models_are_checked_though_a_worker_hangs(
    pool: RayPool, make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_points_plan("model.0.Dense.units={choice: [1, 2, 3, 4]}", "search.sampler=grid")
    pool.load(plan.datasets)
    monkeypatch.setattr(ray_asks, "ANSWER_SECONDS", LIMITS.read_seconds)
    pid = stop_a_worker(pool)
    assert pool.check(plan.trials) == {}
    wait_until_gone(pid)


def test_rows_are_evaluated_though_a_worker_hangs(
    pool: RayPool, make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_points_plan()
    model, source = finished(plan), plan.datasets[0]
    rows = LabelledRows.of(
        source, ["test.parquet"], source.folder, preparation=model.preparation, classes=None, integer=False
    )
    monkeypatch.setattr(pool, "_limits", LIMITS)
    pid = stop_a_worker(pool)
    assert pool.evaluate(model, rows) == {"loss": 50.0, "weight": 50.0}
    wait_until_gone(pid)


def test_data_that_nobody_reads_ends_the_run_with_a_message(
    pool: RayPool, tmp_path: Path, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = moved_points(points, tmp_path)
    # It takes a second to read, so that the process that reads it can be stopped.
    line = "0.5,0.25,0.125,1.5,2.5,3.5,1\n"
    (tmp_path / "train.csv").write_text("x0,x1,x2,x3,x4,x5,yes\n" + line * 3_000_000)
    table = table_of(spec, "data.train=train.csv")
    monkeypatch.setattr(pool, "_limits", LIMITS)
    watch = threading.Thread(target=stop_the_reader)
    watch.start()
    with pytest.raises(ClusterError, match=r"train.csv: the data was not read within 3 s.*\[E519\]"):
        pool.load(table.datasets)
    watch.join()


def stop_the_reader() -> None:
    before = len(STOPPED)
    while len(STOPPED) == before:
        for child in psutil.Process().children(recursive=True):
            try:
                if child.name().startswith("ray::decode"):
                    child.suspend()
                    STOPPED.append(child.pid)
            except psutil.NoSuchProcess:
                continue


def test_a_longer_stall_gives_more_time_to_read(make_points_plan: MakePlan) -> None:
    limits = {"auto": READ_SECONDS, "1s": READ_SECONDS, "3h": 3 * 3600.0, "off": float("inf")}
    plans = {stall: make_points_plan(f"limits.stall={stall}") for stall in limits}
    assert {stall: TimeLimits.of(plan.table).read_seconds for stall, plan in plans.items()} == limits
