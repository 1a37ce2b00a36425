"""Run folders that a submit cannot have: each is told as it is, by the command itself, and left as it was."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from seqjobs.store.lock import Lock
from tests.cli import submitted
from tests.fixtures.command_line import invoke
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import do, moved_points

Make = Callable[[Path, Path], object]
"""Makes what is in the way: of a spec, and of the folder `one` in which its run is to be."""


@pytest.fixture
def spec(points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job whose submits train with fakes in this process."""
    monkeypatch.setattr("seqjobs.run.RayPool", submitted.pool)
    monkeypatch.setenv("SEQJOBS_TEST_NOTES", str(tmp_path / "notes"))
    return moved_points(points, tmp_path)


def submit_one(spec: Path, runs_dir: Path, code: int) -> Result:
    return invoke("submit", str(spec), "--runs-dir", str(runs_dir), "--run", "one", code=code)


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def a_file(_: Path, root: Path) -> None:
    root.parent.mkdir()
    root.touch()


def a_thesis(_: Path, root: Path) -> None:
    root.mkdir(parents=True)
    (root / "thesis.txt").write_text("all of it")


def a_newer_run(spec: Path, root: Path) -> None:
    do(plan_of(spec), root)
    path = root / "run.json"
    path.write_text(path.read_text().replace('"format": 2', '"format": 3'))


def a_damaged_run(spec: Path, root: Path) -> None:
    do(plan_of(spec), root)
    path = root / "run.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))


def another_run(spec: Path, root: Path) -> None:
    do(plan_of(spec, "fit.epochs=4"), root)


def a_run_at_work(_: Path, root: Path) -> None:
    root.mkdir(parents=True)
    Lock(root / "lock").take()  # for as long as this process lives


def a_link_for_a_lock(_: Path, root: Path) -> None:
    root.mkdir(parents=True)
    (root / "lock").symlink_to(root.parent / "elsewhere")


@pytest.mark.parametrize(
    ("make", "exit_code", "code", "told"),
    [
        (a_file, 2, "E601", "{root}: this is a file, not a run's folder. Fix: choose another --run. [E601]"),
        (a_thesis, 2, "E601", "{root}: this folder holds something other than a run (thesis.txt). Fix: "),
        (a_run_at_work, 2, "E602", "{root}: this run is in use by process {pid} on "),
        (
            another_run,
            2,
            "E603",
            "{root}: this run was created from another spec:\n--- then\n+++ now\n--S fit.epochs=4\nFix: ",
        ),
        (
            a_link_for_a_lock,
            2,
            "E617",
            "{root}/lock: this is a symbolic link, and a run has none. Fix: ",
        ),
        (a_newer_run, 2, "E607", "{root}/run.json: this run has format 3, this seqjobs reads format 2. Fix: "),
        (a_damaged_run, 2, "E608", "{root}/run.json: this run's plan is damaged. Fix: "),
    ],
)
def test_what_lies_in_the_way_of_a_run_is_told_and_left(
    spec: Path, make: Make, exit_code: int, code: str, told: str
) -> None:
    root = spec.parent / "runs" / "one"
    make(spec, root)
    before = content(spec.parent)
    found = submit_one(spec, root.parent, exit_code)
    assert told.format(root=root, pid=os.getpid()) in found.stderr
    assert f"[{code}]" in found.stderr
    assert (found.stdout, "Traceback" in found.stderr) == ("", False)
    assert content(spec.parent) == before


def test_a_file_for_the_folder_of_all_runs_is_a_mistake_of_the_command(spec: Path) -> None:
    assert "is a file" in submit_one(spec, spec, 2).stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is read-only for everyone")
def test_a_folder_in_which_nothing_can_be_made(spec: Path) -> None:
    found = submit_one(spec, Path("/proc/runs"), 4)
    assert "/proc/runs/one: the run's folder cannot be created: " in found.stderr
    assert "[E606]" in found.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_may_only_be_read(spec: Path) -> None:
    (spec.parent / "runs").mkdir(mode=0o500)
    found = submit_one(spec, spec.parent / "runs", 4)
    assert "the run's folder cannot be created: Permission denied" in found.stderr


def test_no_room_for_a_run(spec: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        found = submit_one(spec, spec.parent / "runs", 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert f"{spec.parent / 'runs' / 'one'}: the run cannot be created: File too large" in found.stderr
    assert "`ulimit -f` limits files to 200 B. Fix: " in found.stderr
    assert "[E606]" in found.stderr
    submit_one(spec, spec.parent / "runs", 0)
