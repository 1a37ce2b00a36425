"""run_job, whole: real plans, real Parquet, the real session and log; only the training is fake."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from seqjobs.execution.events import AttemptLost, Event
from seqjobs.planning.plan import Plan
from seqjobs.preview import plan_jobs
from seqjobs.results.run import Run, RunStatus
from seqjobs.results.run_log import read_log, segment_name
from seqjobs.results.weights import WeightsStore
from seqjobs.run import run_job
from tests.conftest import MakeJob, MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.run_paths import paths_of
from tests.fixtures.runs import Recorded, Watcher, do


def test_a_run_folder_holds_what_is_documented_and_nothing_else(six: Plan, tmp_path: Path) -> None:
    run = do(six, tmp_path / "run")
    assert run.status is RunStatus.FINISHED
    assert sorted(path.name for path in run.path.iterdir()) == [
        "best.keras", "histories.parquet", "leaderboard.csv", "lock", "log", "logs", "run.json", "trials.parquet",
        "weights",
    ]  # fmt: skip
    assert {path.stem for path in paths_of(run).trial_logs.iterdir()} == {trial.id for trial in six.trials}
    segments = sorted(path.name for path in paths_of(run).log.iterdir())
    assert segments == [segment_name(number) for number in range(1, len(segments) + 1)]
    # keep.best is 2: of the two best assignments, of two repeats each, the better one.
    kept = [run.records[run.leaderboard.entries[row].trial].weights for row in (0, 2)]
    assert {path.stem for path in paths_of(run).weights.iterdir()} == set(kept)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_everything_is_private_whatever_the_umask(six: Plan, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        do(six, tmp_path / "runs" / "run")
    finally:
        os.umask(before)
    for path in [tmp_path / "runs", *(tmp_path / "runs").rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_nothing_on_disk_is_a_pickle(six: Plan, tmp_path: Path) -> None:
    root = do(six, tmp_path / "run").path
    for path in (path for path in root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert not content.startswith(b"\x80"), path
        assert b"numpy.core" not in content, path
        assert b"|O" not in content, path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                assert not [name for name in archive.namelist() if archive.read(name).startswith(b"\x80")], path


def test_weights_and_best_model_are_those_of_the_best_trial(six: Plan, tmp_path: Path) -> None:
    run = do(six, tmp_path / "run")
    best = run.best
    assert best is not None
    assert best.trial.encode() in paths_of(run).best.read_bytes()
    digest = run.records[best.trial].weights
    assert digest is not None
    assert [array.shape for array in WeightsStore(run.store).load(digest)] == [(4, 3), (3,)]


def test_with_nothing_kept_there_are_no_models_and_the_run_is_finished(
    make_points_plan: MakePlan, tmp_path: Path
) -> None:
    plan = make_points_plan("keep.best=0")
    run = do(plan, tmp_path / "run")
    assert not paths_of(run).best.exists()
    assert list(paths_of(run).weights.iterdir()) == []
    executor = Recorded()
    run_job(plan.table, executor, run.store, Watcher())
    assert executor.calls == []


def several(make_job: MakeJob, *objectives: str) -> Plan:
    units = "model.0.Dense.units={choice: [1, 2]}"
    jobs = [
        make_job(f"name=job{number}", f"objective={text}", units, "search.sampler=grid")
        for number, text in enumerate(objectives)
    ]
    return plan_jobs(jobs)


BY_LOSS = "{metric: val_loss, direction: minimize}"
BY_ACCURACY = "{metric: val_accuracy, direction: maximize}"


def test_jobs_of_one_objective_rank_together_and_each_has_its_best_model(make_job: MakeJob, tmp_path: Path) -> None:
    run = do(several(make_job, BY_LOSS, BY_LOSS), tmp_path / "run")
    (board,) = run.leaderboards
    assert [entry.rank for entry in board.entries] == [1, 2, 3, 4]
    assert {entry.job for entry in board.entries} == {"job0", "job1"}
    assert sorted(path.name for path in paths_of(run).best_of_jobs.iterdir()) == ["job0.keras", "job1.keras"]
    for job in ("job0", "job1"):
        best = run.best_of(job)
        assert best is not None
        assert best.trial.encode() in paths_of(run).best_of(job).read_bytes()
    assert run.best is not None
    assert paths_of(run).best.read_bytes() == paths_of(run).best_of(run.best.job).read_bytes()
    assert len(list(paths_of(run).weights.iterdir())) == 2  # `keep` counts in each job


def test_jobs_of_two_objectives_rank_apart(make_job: MakeJob, tmp_path: Path) -> None:
    run = do(several(make_job, BY_LOSS, BY_ACCURACY), tmp_path / "run")
    assert [[entry.job for entry in board.entries] for board in run.leaderboards] == [["job0"] * 2, ["job1"] * 2]
    for board in run.leaderboards:
        values = [entry.value for entry in board.entries if entry.value is not None]
        assert values == sorted(values, reverse=board.objective.direction == "maximize")
    assert run.best is not None
    assert run.best.job == "job0"


@pytest.mark.parametrize("cause", ["SPEC", "DATA", "NAN", "TIME", "OUT_OF_MEMORY", "CRASH"])
def test_a_trial_that_fails_is_a_row_and_costs_no_other(make_points_plan: MakePlan, tmp_path: Path, cause: str) -> None:
    notes = tmp_path / "notes"
    units = f"model.0.Dense.units={{choice: [1, {Behaviour[cause].value}, 2]}}"
    run = do(make_points_plan(units, "search.sampler=grid"), tmp_path / "run", start=StartFake(notes=notes))
    assert (run.num_finished, run.num_failed, run.status) == (2, 1, RunStatus.FINISHED)
    last = run.leaderboard.entries[-1]
    assert (last.rank, last.failure) == (None, f"{cause.lower().replace('_', '-')}: as asked for")
    tries = {"OUT_OF_MEMORY": 2, "CRASH": 3}.get(cause, 1)
    assert trainings(notes).count(last.trial) == tries


@pytest.mark.parametrize("behaviour", [Behaviour.NAN_VALUE, Behaviour.INFINITE])
def test_values_that_are_no_numbers_are_ranked_and_stored(
    make_points_plan: MakePlan, tmp_path: Path, behaviour: Behaviour
) -> None:
    units = f"model.0.Dense.units={{choice: [{behaviour.value}, 1]}}"
    run = do(make_points_plan(units, "search.sampler=grid", "search.repeats=2"), tmp_path / "run")
    assert [entry.rank for entry in run.leaderboard.entries] == [1, 1, 2, 2]
    assert run.num_finished == 4
    again = Run.open(run.path)
    assert repr(dict(again.records)) == repr(dict(run.records))
    assert pq.read_table(paths_of(run).histories).num_rows == 12


def test_a_run_of_failures_only_is_finished_and_has_tables(make_points_plan: MakePlan, tmp_path: Path) -> None:
    run = do(make_points_plan(f"model.0.Dense.units={Behaviour.NAN.value}"), tmp_path / "run")
    assert (run.status, run.best) == (RunStatus.FINISHED, None)
    assert not paths_of(run).best.exists()
    assert pq.read_table(paths_of(run).trials)["status"].to_pylist() == ["failed"]
    assert list(paths_of(run).weights.iterdir()) == []


def test_attempts_that_are_lost_are_events_as_those_that_end(make_points_plan: MakePlan, tmp_path: Path) -> None:
    events: list[Event] = []
    watcher = Watcher(lambda event, _standing: events.append(event))
    plan = make_points_plan(f"model.0.Dense.units={Behaviour.RAISE.value}", "limits.retries=1")
    run = do(plan, tmp_path / "run", watcher=watcher)
    lost = [event for event in events if isinstance(event, AttemptLost)]
    assert [(event.attempt, event.charged, event.final) for event in lost] == [(1, True, False), (2, True, True)]
    assert "RuntimeError: a runner that raises" in run.trial_log(plan.trials[0].id)
    assert read_log(run.store)[0][-1]["type"] == "submit-ended"
