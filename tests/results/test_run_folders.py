"""Finding runs and trials, and folders that a run may have."""

from __future__ import annotations

import os
import re
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from seqjobs.errors import NotFoundError, RunFolderError
from seqjobs.execution.events import AttemptStarted, EpochEnded
from seqjobs.results import held_run
from seqjobs.results.repair import repair
from seqjobs.results.run import Run
from seqjobs.results.run_folders import (
    find_run,
    list_runs,
    new_run,
    new_run_id,
    run_store,
    unfinished_runs,
)
from seqjobs.run import submit
from seqjobs.store.durable import ASIDE_PREFIX
from seqjobs.store.lock import Lock
from seqjobs.store.run_store import is_there
from seqjobs.store.runs_folder import RunsFolder
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import paths_of
from tests.fixtures.runs import do, moved_points, stop_after


def make_runs(folder: Path, *names: str) -> None:
    """Runs, each newer than the one before."""
    for age, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        (folder / name / "run.json").touch()
        os.utime(folder / name / "run.json", (age, age))


def test_runs_of_the_same_second_have_folders_of_their_own(points: Path, tmp_path: Path) -> None:
    plan = plan_of(moved_points(points, tmp_path))
    roots = [Path(new_run(RunsFolder(tmp_path / "runs"), plan.table).where()) for _ in range(5)]
    assert len({*roots}) == 5
    assert all(root.is_dir() for root in roots)


def test_only_unfinished_runs_of_the_same_plan_can_be_resumed(points: Path, tmp_path: Path) -> None:
    spec, runs = moved_points(points, tmp_path), tmp_path / "runs"
    plan, failing = plan_of(spec), plan_of(spec, f"compile.optimizer.Adam.learning_rate={int(Behaviour.SPEC)}")
    do(plan, runs / "finished")
    do(failing, runs / "failed")
    for name in ("older", "newer"):
        with pytest.raises(KeyboardInterrupt):
            do(plan, runs / name, watcher=stop_after(1, EpochEnded))
    with pytest.raises(KeyboardInterrupt):
        do(failing, runs / "other", watcher=stop_after(1, AttemptStarted))
    (runs / "unreadable").mkdir()
    (runs / "unreadable" / "run.json").write_text("{")
    assert [store.name for store in unfinished_runs(RunsFolder(runs), plan.table)] == ["newer", "older"]
    assert [store.name for store in unfinished_runs(RunsFolder(runs), failing.table)] == ["other"]
    lock = Lock(runs / "newer" / "lock")
    lock.take()
    assert [store.name for store in unfinished_runs(RunsFolder(runs), plan.table)] == ["older"]
    lock.give_back()


def test_a_run_whose_best_model_was_never_written_is_unfinished(points: Path, tmp_path: Path) -> None:
    spec, runs = moved_points(points, tmp_path), tmp_path / "runs"
    plan = plan_of(spec)
    with pytest.raises(KeyboardInterrupt):
        do(plan, runs / "one", watcher=stop_after(1))
    assert Run.open(runs / "one").num_finished == 1
    assert [store.name for store in unfinished_runs(RunsFolder(runs), plan.table)] == ["one"]
    do(plan, runs / "one")
    (runs / "one" / "best.keras").unlink()  # whoever moves it away wants no other training to be resumed
    assert list(unfinished_runs(RunsFolder(runs), plan.table)) == []


def test_runs_are_not_kept_at_an_address(points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = moved_points(points, tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunFolderError, match=r"s3://bucket/runs: runs are kept on this machine.*\[E601\]"):
        submit([spec], runs_dir="s3://bucket/runs")
    assert not (tmp_path / "s3:").exists()


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", "A", "a b", "a\n", "-a", "a" * 64, "\u00e9", "a\x00"])
def test_what_is_no_id_names_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunFolderError, match="E701"):
        run_store(RunsFolder(tmp_path), name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match=r"this is a file.*\[E601\]"):
        run_store(RunsFolder(tmp_path), "file")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(RunFolderError, match=r"something other than a run \(thesis\.txt\).*\[E601\]"):
        run_store(RunsFolder(tmp_path), "mine")


@pytest.mark.parametrize("left", [(), ("lock",), ("lock", "log", "weights", "logs", f"{ASIDE_PREFIX}1-ab")])
def test_what_a_stopped_submit_left_is_used_again(tmp_path: Path, left: tuple[str, ...]) -> None:
    for name in left:
        (tmp_path / "one" / name).mkdir(parents=True)
    assert run_store(RunsFolder(tmp_path), "one").where() == str(tmp_path / "one")


def test_a_run_may_have_any_file_added_to_it(tmp_path: Path) -> None:
    make_runs(tmp_path, "one")
    (tmp_path / "one" / "notes.txt").touch()
    assert is_there(run_store(RunsFolder(tmp_path), "one"), "run.json")


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    make_runs(tmp_path, "b", "c", "a")
    (tmp_path / "no-run").mkdir()
    assert [store.name for store in list_runs(RunsFolder(tmp_path))] == ["a", "c", "b"]
    assert list_runs(RunsFolder(tmp_path / "missing")) == ()


def test_runs_that_were_copied_keep_their_order(points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(moved_points(points, tmp_path))
    for name, hour in (("a", 3), ("b", 12), ("c", 7)):
        monkeypatch.setattr(held_run, "datetime", SimpleNamespace(now=partial(datetime, 2026, 11, 22, hour, 0, 0, 0)))
        do(plan, tmp_path / "runs" / name)
    for path in (tmp_path / "runs").rglob("*"):
        os.utime(path, (0, 0))
    assert [store.name for store in list_runs(RunsFolder(tmp_path / "runs"))] == ["b", "c", "a"]
    assert find_run(RunsFolder(tmp_path / "runs"), None).name == "b"


def test_a_run_is_found_by_what_a_person_types(tmp_path: Path) -> None:
    make_runs(tmp_path, "one", "other", "one-more")
    assert find_run(RunsFolder(tmp_path), None).name == "one-more"
    assert find_run(RunsFolder(tmp_path), "one").name == "one"
    assert find_run(RunsFolder(tmp_path), "ot").name == "other"
    assert find_run(RunsFolder(tmp_path / "elsewhere"), str(tmp_path / "one")).where() == str(tmp_path / "one")
    with pytest.raises(NotFoundError, match="3 runs begin with 'o'"):
        find_run(RunsFolder(tmp_path), "o")
    with pytest.raises(NotFoundError, match="no run 'x'"):
        find_run(RunsFolder(tmp_path), "x")
    with pytest.raises(NotFoundError, match="no runs yet"):
        find_run(RunsFolder(tmp_path / "elsewhere"), None)


def test_a_new_id_sorts_by_time_and_names_the_job(make_points_plan: MakePlan, tmp_path: Path) -> None:
    assert re.fullmatch(r"\d{8}-\d{6}-points", new_run_id(make_points_plan().table))
    long = new_run_id(make_points_plan(f"name={'n' * 63}").table)
    assert len(long) == 63
    run_store(RunsFolder(tmp_path), long)


def test_a_finished_run_of_which_a_repair_set_files_aside_is_unfinished(points: Path, tmp_path: Path) -> None:
    spec, runs = moved_points(points, tmp_path), tmp_path / "runs"
    plan = plan_of(spec)
    run = do(plan, runs / "one")
    assert list(unfinished_runs(RunsFolder(runs), plan.table)) == []
    (weights,) = paths_of(run).weights.iterdir()
    weights.write_bytes(b"damaged")
    repair(run.store)
    assert [store.name for store in unfinished_runs(RunsFolder(runs), plan.table)] == ["one"]
