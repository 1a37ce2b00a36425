"""The kept cluster as its user sees it: up, down, how it stands, and a lease for a run."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from seqjobs.errors import ClusterError, RunFolderError
from seqjobs.execution.import_path import worker_environment
from seqjobs.execution.kept.fingerprint import fingerprint
from seqjobs.execution.kept.folder import KeptFolder, KeptState
from seqjobs.execution.kept.keeper import GRACE_SECONDS, Order
from seqjobs.execution.kept.local_socket import Connection, Message
from seqjobs.execution.start_runner import StartRunner, start_runner
from seqjobs.store.durable import FILE_MODE
from seqjobs.store.lock import Lock, is_held

IDLE_SECONDS = 30 * 60.0
_COMMAND = ("-c", "import sys; from seqjobs.execution.kept.keeper import main; sys.exit(main())")
_ANSWER_SECONDS = 5.0
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class KeptWorkerStatus:
    """One worker; `pid` is None while it starts, `run` is the process that has it on loan."""

    pid: int | None
    run: int | None


@dataclass(frozen=True, kw_only=True)
class KeptStatus:
    """How a kept cluster stands."""

    address: str
    pid: int
    since: str
    idle_seconds: float
    unused_seconds: float
    is_warm: bool
    workers: tuple[KeptWorkerStatus, ...]
    runs: tuple[int, ...]
    """The processes of the runs that are at work on it."""


def up(
    *,
    workers: int | None = None,
    idle_seconds: float = IDLE_SECONDS,
    start: StartRunner = start_runner,
    folder: KeptFolder | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> tuple[KeptStatus, bool]:
    """Starts a cluster and waits until its workers are warm; also says whether it was up before.

    One of another version or environment is replaced. `notify` is told what takes some seconds. Raises ClusterError
    E512, E513 where that one is at work, E514 where none can be started, E526 for a user without a home folder.
    """
    folder = folder or KeptFolder()
    folder.make()
    wanted = fingerprint(start)
    state = _settled(folder)
    if state is not None and state.fingerprint == wanted:
        return _warm(folder, state), True
    if state is not None:
        notify("ending the cluster of another version or environment")
        _end(folder, state, force=False)
    notify("starting Ray, and TensorFlow in its workers")
    order = Order(folder=folder, workers=workers, idle_seconds=idle_seconds, start=start, fingerprint=wanted)
    return _started(folder, order), False


def down(*, force: bool = False, folder: KeptFolder | None = None) -> bool:
    """Ends the cluster, and waits until nothing of it is left; False where none was up.

    Raises ClusterError E513 where runs are at work on it; with `force` they are asked to stop first.
    """
    folder = folder or KeptFolder.find()
    state = folder and alive(folder)
    if folder is None or state is None:
        return False
    _end(folder, state, force=force)
    return True


def status(folder: KeptFolder | None = None) -> KeptStatus | None:
    """None where no cluster is up. Raises ClusterError E512, E515 where it does not answer."""
    folder = folder or KeptFolder.find()
    state = folder and alive(folder)
    if folder is None or state is None:
        return None
    try:
        return _status(folder, state)
    except ClusterError:
        if folder.read() == state:
            raise
        return None  # it has just ended


def alive(folder: KeptFolder) -> KeptState | None:
    """What is written down, if it still holds; what a dead cluster left is removed."""
    state = folder.read()
    if state is None or state.keeper.is_alive():
        return state
    lock = Lock(folder.lock)
    with contextlib.suppress(RunFolderError):  # held: somebody is starting one, and clears up
        lock.take()
        try:
            if folder.read() == state:
                folder.clear()
        finally:
            lock.give_back()
    return None


def _settled(folder: KeptFolder) -> KeptState | None:
    """As `alive`, once a cluster that is just starting or ending has done so."""
    deadline = time.monotonic() + _START_SECONDS
    while (state := alive(folder)) is None and is_held(folder.lock) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return state


def _started(folder: KeptFolder, order: Order) -> KeptStatus:
    descriptor = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(descriptor, "wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, *_COMMAND],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder.root,
            env={**os.environ, **worker_environment()},
            start_new_session=True,
        )
    if keeper.stdin is not None:
        with contextlib.suppress(BrokenPipeError), keeper.stdin:
            pickle.dump(order, keeper.stdin)
    try:
        while keeper.poll() is None:
            state = folder.read()
            if state is not None and state.keeper.pid == keeper.pid:
                return _warm(folder, state)
            time.sleep(_LOOK_SECONDS)
        raise _failed(folder)
    except BaseException:
        keeper.terminate()
        raise
    finally:
        # It goes on without us; a Popen that is thrown away would complain of that.
        keeper.returncode = 0


def _warm(folder: KeptFolder, state: KeptState) -> KeptStatus:
    """Its status, once all workers are warm; at once where runs are at work on it."""
    while state.keeper.is_alive():
        try:
            found = _status(folder, state)
        except ClusterError:
            if folder.read() == state and state.keeper.is_alive():
                raise
            break  # it takes that back before it ends
        if found.is_warm or found.runs:
            return found
        time.sleep(_LOOK_SECONDS)
    while state.keeper.is_alive():  # it has the reason to write still
        time.sleep(_LOOK_SECONDS)
    raise _failed(folder)


def _failed(folder: KeptFolder) -> ClusterError:
    lines = folder.log.read_text(errors="replace").strip().splitlines() or ["it ended without a message"]
    return ClusterError(
        "E514", f"no warm cluster can be started: {lines[-1]}", where=str(folder.log), fix="read that file."
    )


def _status(folder: KeptFolder, state: KeptState) -> KeptStatus:
    answer = _asked(folder, ask="status")
    return KeptStatus(
        address=state.address,
        pid=state.keeper.pid,
        since=state.since,
        idle_seconds=state.idle_seconds,
        unused_seconds=answer["unused_seconds"],
        is_warm=answer["is_warm"],
        workers=tuple(KeptWorkerStatus(**worker) for worker in answer["workers"]),
        runs=tuple(answer["runs"]),
    )


def _asked(folder: KeptFolder, **question: object) -> Message:
    try:
        with contextlib.closing(Connection.to(folder.socket, timeout_seconds=_ANSWER_SECONDS)) as connection:
            return connection.ask(**question)
    except OSError as error:
        what = f"the warm cluster does not answer: {error.strerror or error}"
        raise ClusterError("E515", what, where=str(folder.root), fix="run `seqjobs down --force`.") from error


def _end(folder: KeptFolder, state: KeptState, *, force: bool) -> None:
    """Raises ClusterError E513 where runs are at work on it and `force` is not given."""
    processes = _all_processes(state)
    try:
        answer = _asked(folder, ask="end", force=force)
    except ClusterError:
        if not force:
            raise
        answer = {"ending": True}
    if not answer["ending"]:
        runs = ", ".join(str(pid) for pid in answer["runs"])
        what = f"a run uses the warm cluster (process {runs})"
        raise ClusterError(
            "E513", what, where=str(folder.root), fix="wait for the run, or stop it with `seqjobs down --force`."
        )
    _, left = psutil.wait_procs(processes, timeout=GRACE_SECONDS + 2 * _ANSWER_SECONDS)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=_ANSWER_SECONDS)
    alive(folder)


def _all_processes(state: KeptState) -> list[psutil.Process]:
    """The keeper and all below it; psutil takes care that none is mistaken for a later one of its number."""
    with contextlib.suppress(psutil.NoSuchProcess):
        keeper = psutil.Process(state.keeper.pid)
        if state.keeper.is_alive():
            return [keeper, *keeper.children(recursive=True)]
    return []
