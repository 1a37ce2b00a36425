"""`seqjobs rm`: the runs that are named are removed whole, and nothing else is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seqjobs.execution.events import CheckpointTaken
from seqjobs.store.lock import Lock
from tests.conftest import POINTS_SPEC
from tests.fixtures.command_line import invoke
from tests.fixtures.fake_runner import Behaviour, StartFake
from tests.fixtures.plans import plan_of, plan_of_texts
from tests.fixtures.runs import do, moved_points, stop_after

# Trials with a log each, as several jobs, which are saved after each epoch.
TEXT = (
    POINTS_SPEC.replace("learning_rate: 0.01", f"learning_rate: {float(Behaviour.PRINT)}")
    + "search: {repeats: 2}\nlimits: {checkpoint: 1s}\n"
)


@pytest.fixture(scope="module")
def trained(points: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished and an interrupted run, which have all kinds of files."""
    folder = tmp_path_factory.mktemp("trained")
    spec = moved_points(points, folder, TEXT)
    do(plan_of_texts(spec.parent, TEXT, TEXT.replace("name: points", "name: others")), folder / "runs" / "finished")
    with pytest.raises(KeyboardInterrupt):
        do(plan_of(spec), folder / "runs" / "interrupted", start=StartFake(), watcher=stop_after(1, CheckpointTaken))
    return folder / "runs"


@pytest.fixture
def runs(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same runs in the current folder, and a file next to them."""
    shutil.copytree(trained, tmp_path / "runs")
    (tmp_path / "thesis.txt").write_text("precious")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQJOBS_RUNS_DIR", raising=False)
    return tmp_path / "runs"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_runs_are_removed_whole_with_a_line_for_each(runs: Path) -> None:
    folders = {path.name for path in (runs / "finished").iterdir() if path.is_dir()}
    assert folders >= {"best", "log", "logs", "weights"}
    assert list(runs.glob("interrupted/checkpoints/*"))
    lines = invoke("rm", "finished", "inter", "finished").stdout.splitlines()
    assert [line.split(" (")[0] for line in lines] == ["removed finished", "removed interrupted"]
    assert all(line.endswith(" KiB)") for line in lines)
    assert names(runs) == []
    assert invoke("ls").stdout == ""


@pytest.mark.parametrize("name", ["runs/finished", "runs/finished/", "./runs/../runs/finished"])
def test_a_run_is_named_by_its_folder(runs: Path, name: str) -> None:
    invoke("rm", name, "--runs-dir", "elsewhere")
    assert names(runs) == ["interrupted"]


def test_the_current_folder_can_be_removed(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs / "finished")
    assert invoke("rm", ".").stdout.startswith("removed finished (")
    assert names(runs) == ["interrupted"]


@pytest.mark.parametrize("name", ["nothing", "interrupted-too", "..", "*"])
def test_nothing_is_removed_if_a_name_is_wrong(runs: Path, name: str) -> None:
    assert "[E611]" in invoke("rm", "finished", name, code=5).stderr
    assert names(runs) == ["finished", "interrupted"]


def test_a_name_of_several_runs_removes_none(runs: Path) -> None:
    shutil.copytree(runs / "finished", runs / "finished-2")
    assert "2 runs begin with 'fin': " in invoke("rm", "fin", code=5).stderr
    assert names(runs) == ["finished", "finished-2", "interrupted"]
    invoke("rm", "finished")
    assert names(runs) == ["finished-2", "interrupted"]


def test_an_empty_name_is_not_the_beginning_of_the_only_run(runs: Path) -> None:
    shutil.rmtree(runs / "finished")
    assert "the name of a run is empty" in invoke("rm", "", code=2).stderr
    assert names(runs) == ["interrupted"]


def test_nothing_is_removed_if_a_run_is_in_use(runs: Path) -> None:
    lock = Lock(runs / "interrupted" / "lock")
    lock.take()
    errors = invoke("rm", "finished", "interrupted", code=2).stderr
    lock.give_back()
    assert f"this run is in use by process {os.getpid()} on " in errors
    assert "[E602]" in errors
    assert names(runs) == ["finished", "interrupted"]


def test_a_run_must_be_named(runs: Path) -> None:
    assert "Missing argument 'RUN...'" in invoke("rm", code=2).stderr
    assert names(runs) == ["finished", "interrupted"]


@pytest.mark.parametrize("name", ["notes.txt", "weights/mine.npz", "log/notes", "mine/model.keras", "best/a/b.keras"])
def test_a_run_with_files_of_the_user_is_left(runs: Path, name: str) -> None:
    mine = runs / "interrupted" / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine")
    before = sorted(runs.rglob("*"))
    errors = invoke("rm", "finished", "interrupted", code=2).stderr
    assert "files that seqjobs did not write" in errors
    assert name in errors
    assert "[E619]" in errors
    assert sorted(runs.rglob("*")) == before
    shutil.rmtree(mine.parent) if mine.parent.name in ("mine", "a") else mine.unlink()
    invoke("rm", "interrupted")


def test_only_some_of_many_files_are_named(runs: Path) -> None:
    for number in range(9):
        (runs / "finished" / f"note-{number}").touch()
    assert "(note-0, note-1, note-2 and 6 more)" in invoke("rm", "finished", code=2).stderr


LINKS: dict[str, Callable[[Path], Path]] = {
    "a file": lambda run: run / "leaderboard.csv",
    "the lock": lambda run: run / "lock",
    "the plan": lambda run: run / "run.json",
    "a folder": lambda run: run / "logs",
    "in a folder": lambda run: next((run / "weights").iterdir()),
    "the run": lambda run: run,
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_is_neither_followed_nor_removed(runs: Path, tmp_path: Path, kind: str) -> None:
    link = LINKS[kind](runs / "finished")
    link.rename(tmp_path / "elsewhere")
    link.symlink_to(tmp_path / "elsewhere")
    before = sorted(tmp_path.rglob("*"))
    errors = invoke("rm", "finished", code=2).stderr
    assert "symbolic link" in errors
    assert "[E617]" in errors
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_run_can_be_removed(runs: Path) -> None:
    (runs / "finished" / "run.json").write_text("{")
    shutil.rmtree(runs / "finished" / "log")
    (runs / "finished" / ".aside-12-0123abcd").touch()  # what a killed submit left
    invoke("rm", "finished")
    assert names(runs) == ["interrupted"]


def test_what_fsck_has_set_aside_is_removed_and_a_link_there_not_followed(runs: Path, tmp_path: Path) -> None:
    weights = next((runs / "finished" / "weights").iterdir())
    weights.unlink()
    weights.symlink_to(tmp_path / "thesis.txt")
    invoke("fsck", "finished", "--repair")
    assert (runs / "finished" / "damaged" / weights.name).is_symlink()
    invoke("rm", "finished")
    assert names(runs) == ["interrupted"]
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_what_killed_removals_left_is_deleted_and_nothing_else(runs: Path, tmp_path: Path) -> None:
    (runs / "finished").rename(runs / ".removed-12-0123abcd")
    kept = [".removed-mine", ".removed-12-0123abce", "notes"]
    (runs / kept[0]).mkdir()
    (runs / kept[1]).symlink_to(tmp_path)
    (runs / kept[2]).mkdir()
    assert [line.split()[0] for line in invoke("ls").stdout.splitlines()[2:]] == ["interrupted"]
    invoke("rm", "interrupted")
    assert names(runs) == sorted(kept)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root removes everything")
def test_a_run_that_may_not_be_removed_stays_whole(runs: Path) -> None:
    before = sorted(runs.rglob("*"))
    runs.chmod(0o500)
    try:
        errors = invoke("rm", "finished", code=4).stderr
    finally:
        runs.chmod(0o700)
    assert "Permission denied" in errors
    assert "[E606]" in errors
    assert sorted(runs.rglob("*")) == before
