"""The lock: one holder, known by name, and free at once when it is killed."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seqjobs.errors import NotFoundError, RunFolderError, StorageError
from seqjobs.store.lock import Lock, is_held

HOLD = """
import sys, time
from pathlib import Path
from seqjobs.store.lock import Lock
Lock(Path(sys.argv[1])).take()
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_who_comes_second_is_told_who_holds_it_until_the_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path) as process:
        assert is_held(path)
        message = rf"this run is in use by process {process.pid} on .*\[E602\]"
        with pytest.raises(RunFolderError, match=message) as found:
            Lock(path).take()
        assert found.value.exit_code == 2
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not is_held(path)
        lock = Lock(path)
        lock.take()
        assert is_held(path)
        lock.give_back()


def test_a_lock_given_back_is_free_and_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = Lock(path), Lock(path)
    first.take()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(os.getpid()) in path.read_text()
    with pytest.raises(RunFolderError, match="E602"):
        second.take()
    first.give_back()
    first.give_back()
    assert path.read_text() == ""
    second.take()
    second.give_back()


def test_asking_whether_it_is_held_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            is_held(path)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(300):
            lock = Lock(path)
            lock.take()  # raises E602 if a mere question could hold the lock
            assert str(os.getpid()) in path.read_text()
            lock.give_back()
    finally:
        stop.set()
        thread.join()
    assert not is_held(path)


def test_two_who_ask_do_not_take_each_other_for_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # as the other has it while it asks
        assert not is_held(path)


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", "nonsense"])
def test_a_holder_that_has_not_signed_is_another_process(tmp_path: Path, content: str) -> None:
    path = tmp_path / "lock"
    lock = Lock(path)
    lock.take()
    path.write_text(content)
    with pytest.raises(RunFolderError, match="in use by another process"):
        Lock(path).take()
    lock.give_back()


def test_a_lock_that_cannot_be_made_is_an_error_of_the_storage(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match=r"lock: the lock cannot be taken.*\[E606\]"):
        Lock(tmp_path / "lock").take()
    with pytest.raises(NotFoundError, match=r"missing: this run was removed at this moment.*\[E611\]"):
        Lock(tmp_path / "missing" / "lock").take()
    assert not is_held(tmp_path / "missing" / "lock")
    assert not (tmp_path / "elsewhere").exists()
