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
from seqjobs.results import session
from seqjobs.results.run_folders import find_run, list_runs, new_run_id, run_folder
from seqjobs.storage.durable import ASIDE_PREFIX
from tests.conftest import MakePlan
from tests.run_job.samples import do, moved_points, plan_of


def make_runs(folder: Path, *names: str) -> None:
    """Runs, each newer than the one before."""
    for age, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        (folder / name / "run.json").touch()
        os.utime(folder / name / "run.json", (age, age))


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", "A", "a b", "a\n", "-a", "a" * 64, "\u00e9", "a\x00"])
def test_what_is_no_id_names_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunFolderError, match="E701"):
        run_folder(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match=r"this is a file.*\[E601\]"):
        run_folder(tmp_path, "file")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(RunFolderError, match=r"other things than a run \(thesis\.txt\).*\[E601\]"):
        run_folder(tmp_path, "mine")


@pytest.mark.parametrize("left", [(), ("lock",), ("lock", "log", "weights", "logs", f"{ASIDE_PREFIX}1-ab")])
def test_what_a_stopped_submit_left_is_used_again(tmp_path: Path, left: tuple[str, ...]) -> None:
    for name in left:
        (tmp_path / "one" / name).mkdir(parents=True)
    assert run_folder(tmp_path, "one").root == tmp_path / "one"


def test_a_run_may_have_any_file_added_to_it(tmp_path: Path) -> None:
    make_runs(tmp_path, "one")
    (tmp_path / "one" / "notes.txt").touch()
    assert run_folder(tmp_path, "one").plan.exists()


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    make_runs(tmp_path, "b", "c", "a")
    (tmp_path / "no-run").mkdir()
    assert [path.name for path in list_runs(tmp_path)] == ["a", "c", "b"]
    assert list_runs(tmp_path / "missing") == ()


def test_runs_that_were_copied_keep_their_order(points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(moved_points(points, tmp_path))
    for name, hour in (("a", 3), ("b", 12), ("c", 7)):
        monkeypatch.setattr(session, "datetime", SimpleNamespace(now=partial(datetime, 2026, 11, 22, hour, 0, 0, 0)))
        do(plan, tmp_path / "runs" / name)
    for path in (tmp_path / "runs").rglob("*"):
        os.utime(path, (0, 0))
    assert [path.name for path in list_runs(tmp_path / "runs")] == ["b", "c", "a"]
    assert find_run(tmp_path / "runs", None).name == "b"


def test_a_run_is_found_by_what_a_person_types(tmp_path: Path) -> None:
    make_runs(tmp_path, "one", "other", "one-more")
    assert find_run(tmp_path, None).name == "one-more"
    assert find_run(tmp_path, "one").name == "one"
    assert find_run(tmp_path, "ot").name == "other"
    assert find_run(tmp_path / "elsewhere", str(tmp_path / "one")) == tmp_path / "one"
    with pytest.raises(NotFoundError, match="'o' begins 3 runs"):
        find_run(tmp_path, "o")
    with pytest.raises(NotFoundError, match="no run 'x'"):
        find_run(tmp_path, "x")
    with pytest.raises(NotFoundError, match="no runs yet"):
        find_run(tmp_path / "elsewhere", None)


def test_a_new_id_sorts_by_time_and_names_the_job(make_points_plan: MakePlan, tmp_path: Path) -> None:
    assert re.fullmatch(r"\d{8}-\d{6}-points", new_run_id(make_points_plan()))
    long = new_run_id(make_points_plan(f"name={'n' * 63}"))
    assert len(long) == 63
    run_folder(tmp_path, long)
