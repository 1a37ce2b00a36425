"""Workers that die before they train: while they start, or while a model is built. Real Ray, fake runners."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from seqjobs.errors import ClusterError, OutOfTimeError, SpecError
from seqjobs.execution import back_off, ray_slots
from seqjobs.execution.deadline import TimeLimits
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.results.run import Run
from seqjobs.results.run_log import read_log
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour, FakeRunner, StartFake
from tests.fixtures.runs import Watcher

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@dataclass(frozen=True, kw_only=True)
class BadStart:
    """Starts of workers of which the first `deaths` end with their process, as where a library cannot be loaded."""

    starts: Path
    deaths: int

    def __call__(self, cpus: int) -> FakeRunner:
        with self.starts.open("a") as file:
            file.write("x")
            file.flush()
            if file.tell() <= self.deaths:
                os._exit(77)
        return StartFake()(cpus)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(back_off, "BACK_OFF_SECONDS", 0.1)


def carried_out(plan: Plan, tmp_path: Path, start: Callable[[int], FakeRunner]) -> Run:
    pool = RayPool({Resources(): 1}, workers=1, start=start, limits=TimeLimits.of(plan.table))
    return run_job(plan.table, pool, LocalStore(tmp_path / "run"), Watcher())


def test_workers_that_die_as_they_start_are_replaced_and_no_trial_is_charged(
    make_points_plan: MakePlan, tmp_path: Path
) -> None:
    start = BadStart(starts=tmp_path / "starts", deaths=2)
    run = carried_out(make_points_plan("search.repeats=2", "limits.retries=0"), tmp_path, start)
    assert run.num_finished == 2
    assert start.starts.read_text() == "xxx"
    records, _ = read_log(run.store)
    assert not [record for record in records if record["type"] == "attempt-lost"]


def test_workers_that_can_never_start_end_the_run_with_one_message(make_points_plan: MakePlan, tmp_path: Path) -> None:
    start = BadStart(starts=tmp_path / "starts", deaths=1000)
    with pytest.raises(
        ClusterError, match=r"3 workers in a row died while they started: .*seqjobs doctor.*\[E507\]"
    ) as found:
        carried_out(make_points_plan(), tmp_path, start)
    assert found.value.exit_code == 4
    assert start.starts.read_text() == "xxx"


def test_a_model_that_kills_its_worker_is_named(make_points_plan: MakePlan, tmp_path: Path) -> None:
    units = f"model.0.Dense.units={{choice: [1, {Behaviour.EXIT_IN_CHECK.value}, 2]}}"
    message = r"the model cannot be trained: workers that build the model die: .*\[E313\]"
    with pytest.raises(SpecError, match=message) as found:
        carried_out(make_points_plan(units, "search.sampler=grid"), tmp_path, StartFake())
    assert len(found.value.lines) == 1


def test_the_run_time_is_kept_too_while_no_worker_comes(make_points_plan: MakePlan, tmp_path: Path) -> None:
    """A worker that takes an hour to start, as one that waits for a machine."""
    with pytest.raises(OutOfTimeError, match=r"limits.run_time \(5 s\) ended before training began.*\[E518\]") as found:
        carried_out(make_points_plan("limits.run_time=5s"), tmp_path, never)
    assert found.value.exit_code == 6
    assert carried_out(make_points_plan("limits.run_time=1h"), tmp_path, StartFake()).num_finished == 1


def test_workers_that_hang_as_they_start_end_the_run_though_it_has_no_limit(
    make_points_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_slots, "START_SECONDS", 3.0)
    with pytest.raises(ClusterError, match=r"no worker has started within 3 s: .*seqjobs doctor.*\[E507\]") as found:
        carried_out(make_points_plan(), tmp_path, never)
    assert found.value.exit_code == 4


def never(cpus: int) -> FakeRunner:
    time.sleep(3600)
    return StartFake()(cpus)
