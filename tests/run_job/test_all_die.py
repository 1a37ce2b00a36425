"""Runs in which every attempt dies: they stop before all their trials are used up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.resources import Resources
from seqjobs.results import first_deaths
from seqjobs.results.run import Run, RunStatus
from seqjobs.results.run_log import read_log
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.runs import Watcher, do, stop_after


def rate(behaviour: Behaviour) -> str:
    return f"compile.optimizer.Adam.learning_rate={float(behaviour)}"


@pytest.mark.parametrize("one_program", [True, False])
def test_a_run_in_which_everything_crashes_stops_and_goes_on_once_that_is_mended(
    make_points_plan: MakePlan, tmp_path: Path, one_program: bool
) -> None:
    programs = f"fit.batch_size={{choice: {list(range(1, 31))}}}"
    trials = ("search.repeats=30",) if one_program else (programs, "search.sampler=grid")
    plan, root, notes = make_points_plan(rate(Behaviour.CRASH), *trials), tmp_path / "run", tmp_path / "notes"
    assert len(plan.trials) == 30
    with pytest.raises(ClusterError) as found:
        do(plan, root, start=StartFake(notes=notes))
    assert str(found.value) == (
        "the first 20 of 20 attempts died; the last: as asked for. "
        "Fix: correct the cause, then run the same command again to resume. [E517]"
    )
    assert found.value.exit_code == 4
    # Each of them fell on another trial, and each is charged for.
    assert Counter(trainings(notes)).most_common(1)[0][1] == 1
    records, _ = read_log(LocalStore(root))
    assert sum(record.get("charged", False) for record in records) == first_deaths.MOST_DEATHS
    assert (Run.open(root).status, Run.open(root).records) == (RunStatus.INTERRUPTED, {})
    run = do(plan, root, start=StartFake(mended=True))
    assert run.num_finished == 30


def test_a_few_trials_that_all_crash_fail_each_for_itself(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan(rate(Behaviour.CRASH), "search.repeats=3", "limits.retries=20")
    run = do(plan, tmp_path / "run")
    assert (run.num_failed, run.status) == (3, RunStatus.FINISHED)


@pytest.mark.parametrize("sign_of_life", [0.1, Behaviour.NAN, Behaviour.OUT_OF_MEMORY])
def test_one_attempt_that_did_not_die_lets_all_others_have_their_tries(
    make_points_plan: MakePlan, tmp_path: Path, sign_of_life: float
) -> None:
    rates = [float(sign_of_life), float(Behaviour.CRASH)]
    choice = f"compile.optimizer.Adam.learning_rate={{choice: {rates}}}"
    plan = make_points_plan(choice, "search={sampler: grid, repeats: 30}", "limits.retries=1")
    run = do(plan, tmp_path / "run")
    assert sum(record.attempt == 2 for record in run.records.values()) >= 30


def test_a_run_that_has_results_is_not_stopped_by_what_is_left(make_points_plan: MakePlan, tmp_path: Path) -> None:
    choice = f"compile.optimizer.Adam.learning_rate={{choice: [0.1, {float(Behaviour.CRASH)}]}}"
    plan = make_points_plan(choice, "search={sampler: grid, repeats: 20}")
    with pytest.raises(KeyboardInterrupt):
        do(plan, tmp_path / "run", watcher=stop_after(20))
    run = do(plan, tmp_path / "run")
    assert (run.num_finished, run.num_failed) == (20, 20)


@pytest.mark.ray
@pytest.mark.slow
def test_workers_that_are_killed_whatever_they_train_stop_the_run(
    make_points_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_deaths, "MOST_DEATHS", 5)  # of processes that take a second to start
    plan = make_points_plan(rate(Behaviour.EXIT), "search.repeats=30")
    notes = tmp_path / "notes"
    pool = RayPool({Resources(): 1000}, workers=2, start=StartFake(notes=notes))
    with pytest.raises(ClusterError, match=r"the first 5 of 5 attempts died; the last: its worker died: .*\[E517\]"):
        run_job(plan.table, pool, LocalStore(tmp_path / "run"), Watcher())
    assert Counter(trainings(notes)).most_common(1)[0][1] <= 2
    assert Run.open(tmp_path / "run").records == {}
