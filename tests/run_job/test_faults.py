"""Kills, interrupts, full and failing disks: at every operation on a file."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from seqjobs.errors import StorageError
from seqjobs.execution.events import AttemptEnded, Event
from seqjobs.planning.plan import Plan
from seqjobs.results.progress import Standing
from seqjobs.results.run_log import read_log
from seqjobs.run import run_job
from seqjobs.store import durable
from seqjobs.store.run_store import RunStore
from tests.fixtures.fake_runner import StartFake, trainings
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import Recorded, Watcher, committed, do, moved_points, result, stop_after


class Killed(BaseException):
    """Stands for SIGKILL: after it nothing reaches the disk."""


OPERATIONS = ("open", "mkdir", "link", "replace", "unlink", "fsync", "ftruncate", "pwrite")


@contextmanager
def faulty(root: Path, number: int, error: BaseException) -> Iterator[list[str]]:
    """Makes the n-th operation on files below `root` fail, all after it too where it is a kill; none for 0."""
    done: list[str] = []

    def wrapped(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            ours = name in ("fsync", "ftruncate", "pwrite") or str(arguments[0]).startswith(str(root))
            if name == "open" and ours and not arguments[1] & os.O_CREAT:
                ours = False
            if ours:
                done.append(name)
                if len(done) == number or (0 < number < len(done) and isinstance(error, Killed)):
                    raise error
            if name == "fsync":
                return None  # (nothing here cuts the power)
            return real(*arguments, **options)

        return call

    real = {name: getattr(os, name) for name in OPERATIONS}
    try:
        for name, function in real.items():
            setattr(os, name, wrapped(name, function))
        yield done
    finally:
        for name, function in real.items():
            setattr(os, name, function)


FAULTS: dict[str, Callable[[], BaseException]] = {
    "kill": Killed,
    "interrupt": KeyboardInterrupt,
    "full": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "denied": lambda: PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
    "broken": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_operation_fails_the_run_goes_on_and_trains_nothing_twice(
    points: Path, tmp_path: Path, fault: str
) -> None:
    units = "model.0.Dense.units={choice: [1, 2, 3]}"
    plan = plan_of(moved_points(points, tmp_path), units, "search.sampler=grid")
    with faulty(tmp_path, 0, Killed()) as operations:
        do(plan, tmp_path / "golden")
    golden, paths = result(tmp_path / "golden"), RunPaths(root=tmp_path / "run")
    assert len(operations) > 60
    for number in range(1, len(operations) + 1):
        root = tmp_path / f"run{number}"
        paths, notes = RunPaths(root=root), tmp_path / f"notes{number}"
        watcher = Watcher()
        with faulty(tmp_path, number, FAULTS[fault]()), suppress(Killed, KeyboardInterrupt, StorageError):
            # No error but these may come out: an OSError of the system must have become a StorageError.
            do(plan, paths.root, start=StartFake(notes=notes), watcher=watcher)
        assert watcher.calls.count("close") == 1
        done = committed(root)
        before = trainings(notes)
        with faulty(tmp_path, 0, Killed()):
            do(plan, paths.root, start=StartFake(notes=notes))
        assert not done & set(trainings(notes)[len(before) :]), (number, operations[number - 1])
        assert result(root) == golden, (number, operations[number - 1])
        assert not list(root.rglob(f"{durable.ASIDE_PREFIX}*")), (number, operations[number - 1])


def test_an_error_of_the_storage_names_the_path_and_leaves_with_4(
    six: Plan, tmp_path: Path, golden: dict[str, Any]
) -> None:
    root = tmp_path / "run"
    with faulty(root, 60, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))), pytest.raises(StorageError) as found:
        do(six, root)
    assert str(root) in found.value.where
    assert "No space left on device" in found.value.what
    assert found.value.exit_code == 4
    do(six, root)
    assert result(root) == golden


def test_a_file_that_may_not_grow_is_an_error_of_the_storage(six: Plan, tmp_path: Path, golden: dict[str, Any]) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))
    try:
        with pytest.raises(StorageError, match=r"File too large.*\[E606\]"):
            do(six, tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    do(six, tmp_path / "run")
    assert result(tmp_path / "run") == golden


def test_a_run_folder_that_is_taken_away_is_not_made_anew(six: Plan, tmp_path: Path) -> None:
    root = tmp_path / "run"

    def take_away(event: Event, _standing: Standing) -> None:
        if isinstance(event, AttemptEnded) and root.exists():
            root.rename(tmp_path / "elsewhere")

    with pytest.raises(StorageError, match="E606"):
        do(six, root, watcher=Watcher(take_away))
    assert not root.exists()


class Looking(Recorded):
    """It reads the run's log when it is left."""

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self.found: list[str] = []

    def __exit__(self, *arguments: Any) -> None:
        self.found = [record["type"] for record in read_log(self._store)[0]]
        super().__exit__(*arguments)


def test_what_was_handled_is_committed_before_workers_are_given_back(six: Plan, tmp_path: Path) -> None:
    """Giving back may take longer than whoever ends the process waits."""
    paths = RunPaths(root=tmp_path / "run")
    executor = Looking(paths.store)
    with pytest.raises(KeyboardInterrupt):
        run_job(six.table, executor, paths.store, stop_after(2))
    assert executor.found.count("attempt-ended") + executor.found.count("pack-ended") == 2
    assert executor.found[-1] == "submit-ended"


def test_a_finished_run_is_told_of_only_once_its_log_is_durable(
    six: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its driver may have died between a segment's name and the folder's fsync."""
    paths = RunPaths(root=tmp_path / "run")
    do(six, paths.root)
    synced: list[Path] = []
    sync = durable.sync_folder

    def noted(path: Path) -> None:
        synced.append(path)
        sync(path)

    monkeypatch.setattr(durable, "sync_folder", noted)
    do(six, paths.root)
    assert synced[0] == paths.log
