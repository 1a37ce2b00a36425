"""Wall clocks that jump, times of files that say nothing, and what many killed writers left."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seqjobs.errors import RunFolderError
from seqjobs.planning.plan import Plan
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run, list_runs
from seqjobs.store.durable import ASIDE_PREFIX
from seqjobs.store.lock import Lock
from seqjobs.store.runs_folder import RunsFolder
from tests.fixtures.fake_runner import StartFake, trainings
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import do, moved_points, result, stop_after

HOUR = 3600.0
YEAR_2100 = 4_102_444_800
STALE = 500


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock, of driver and worker, is an hour late, in 1970, an hour early or right, at every look another."""
    real, looks = time.time, itertools.cycle((1.0, 0.0, -1.0, None))

    def jumped() -> float:
        hours = next(looks)
        return real() if hours is None else (real() + hours * HOUR) * abs(hours)

    monkeypatch.setattr(time, "time", jumped)
    monkeypatch.setattr(time, "time_ns", lambda: int(jumped() * 1e9))


@pytest.mark.usefixtures("jumping")
def test_a_wall_clock_that_jumps_changes_nothing(six: Plan, golden: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        do(six, tmp_path / "run", watcher=stop_after(3))
    run = do(six, tmp_path / "run")
    assert run.num_finished == 6
    assert run.seconds < HOUR
    assert result(tmp_path / "run") == golden
    assert all(0 <= record.seconds < HOUR for record in run.records.values())


@pytest.mark.usefixtures("jumping")
def test_the_time_of_a_run_goes_by_no_wall_clock(points: Path, tmp_path: Path) -> None:
    plan = plan_of(moved_points(points, tmp_path), "limits.run_time=30m", "fit.epochs=20")
    assert do(plan, tmp_path / "run").num_finished == 1
    assert len(Run.open(tmp_path / "run").lost_attempts) == 0


@pytest.mark.parametrize("moment", [0, YEAR_2100])
def test_times_of_files_mean_nothing(points: Path, tmp_path: Path, moment: int) -> None:
    """Neither to the fingerprint of the data nor to who goes on with a run or reads it."""
    notes = tmp_path / "notes"
    plan = plan_of(moved_points(points, tmp_path), "search.repeats=3")
    with pytest.raises(KeyboardInterrupt):
        do(plan, tmp_path / "runs" / "one", start=StartFake(notes=notes), watcher=stop_after(2))
    done = set(Run.open(tmp_path / "runs" / "one").records)
    assert done
    before = len(trainings(notes))
    for path in tmp_path.rglob("*"):
        os.utime(path, (moment, moment))
    runs = RunsFolder(tmp_path / "runs")
    assert [store.where() for store in list_runs(runs)] == [str(tmp_path / "runs" / "one")]
    assert find_run(runs, None).where() == str(tmp_path / "runs" / "one")
    do(plan, tmp_path / "runs" / "one", start=StartFake(notes=notes))
    assert not done & set(trainings(notes)[before:])
    do(plan, tmp_path / "golden")
    assert result(tmp_path / "runs" / "one") == result(tmp_path / "golden")


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[list[str]]:
    """How often a folder is listed."""
    listed: list[str] = []

    def noting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *more: Any) -> Any:
            if Path(os.fspath(path)) == folder:
                listed.append(real.__name__)
            return real(path, *more)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", noting(os.listdir))
        patch.setattr(os, "scandir", noting(os.scandir))
        yield listed


@pytest.mark.parametrize("name", ["log", "weights", "checkpoints", "logs", "."])
def test_what_many_killed_writers_left_is_read_as_often_as_if_there_were_none(
    six: Plan, golden: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    counts = []
    for run, number in (("clean", 0), ("left", STALE)):
        paths = RunPaths(root=tmp_path / run)
        with pytest.raises(KeyboardInterrupt):
            do(six, paths.root, watcher=stop_after(3))
        leave(paths.root / name, number)
        with counted(monkeypatch, paths.root / name) as listed:
            do(six, paths.root)
        counts.append(len(listed))
        assert not list(paths.root.rglob(f"{ASIDE_PREFIX}*"))
        assert result(paths.root) == golden
    assert counts[0] == counts[1] > 0


def leave(folder: Path, number: int) -> None:
    """What so many writers left that were killed before they published."""
    folder.mkdir(exist_ok=True)
    for index in range(number):
        (folder / f"{ASIDE_PREFIX}1-{index:08x}").touch()


def test_what_a_writer_at_work_has_is_left_to_it(six: Plan, tmp_path: Path) -> None:
    paths = RunPaths(root=tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        do(six, paths.root, watcher=stop_after(1))
    leave(paths.log, 3)
    lock = Lock(paths.lock)
    lock.take()
    try:
        with pytest.raises(RunFolderError, match="E602"):
            do(six, paths.root)
        assert len(list(paths.log.glob(f"{ASIDE_PREFIX}*"))) == 3
    finally:
        lock.give_back()
    do(six, paths.root)
    assert not list(paths.log.glob(f"{ASIDE_PREFIX}*"))
