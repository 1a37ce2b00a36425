"""Keeper: the process that holds a kept cluster: Ray and its workers are its children and end with it.

It listens on a socket in the kept folder. A run that wants workers connects and asks for a lease, which lasts as long
as the connection: the kernel closes that whatever ends the run's driver, so nobody has to watch whether it lives.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, final

from seqjobs.errors import SeqjobsError
from seqjobs.execution import ray_cluster
from seqjobs.execution.cluster_watch import ClusterWatch, watching
from seqjobs.execution.kept.fingerprint import fingerprint
from seqjobs.execution.kept.folder import KeptFolder, KeptState, ProcessId
from seqjobs.execution.kept.local_socket import Connection, Listener, Message
from seqjobs.execution.kept.workers import MAX_FAILED_STARTS, KeptWorkers, Lease, Wish
from seqjobs.execution.start_runner import StartRunner
from seqjobs.planning.resources import Resources
from seqjobs.store.lock import Lock

LOOK_SECONDS = 0.2
# How long runs may take to stop in order when the cluster is to end in spite of them.
GRACE_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a keeper is told when it starts: `workers` None is as many as there are CPUs."""

    folder: KeptFolder
    workers: int | None
    idle_seconds: float
    start: StartRunner
    fingerprint: str


@final
class Keeper:
    """Answers on the socket, keeps workers warm, and ends when it is told to or was idle for long."""

    def __init__(self, ray: Any, watch: ClusterWatch, order: Order, listener: Listener) -> None:
        self._watch = watch
        self._order = order
        self._listener = listener
        self._workers = KeptWorkers(ray, order.start, order.workers)
        self._selector = selectors.DefaultSelector()
        self._pids: dict[Connection, int] = {}
        self._leases: dict[Connection, Lease] = {}
        self._used = time.monotonic()
        self._ends_at: float | None = None
        self._is_outdated = False
        self._was_warm = False

    def keep(self) -> None:
        """Returns when the cluster is to end. Raises RuntimeError where workers cannot start, ClusterError E520."""
        signal.signal(signal.SIGTERM, lambda *_: self._end_soon())
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._fill()
        while not self._is_over():
            self._watch.check()
            for key, _ in self._selector.select(LOOK_SECONDS):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, Connection):
                    self._read(key.fileobj)
            self._workers.look()
            self._was_warm = self._was_warm or self._workers.is_warm
            if self._workers.failed_starts >= MAX_FAILED_STARTS:
                raise RuntimeError(f"{MAX_FAILED_STARTS} workers in a row died while they started")
            self._fill()

    def _is_over(self) -> bool:
        if self._leases or not self._was_warm:
            self._used = time.monotonic()
        if self._leases:
            return self._ends_at is not None and time.monotonic() > self._ends_at
        is_idle = time.monotonic() - self._used > self._order.idle_seconds
        return self._ends_at is not None or self._is_outdated or is_idle

    def _fill(self) -> None:
        if self._ends_at is not None or self._is_outdated or not self._workers.wants_more:
            return
        # A worker would import what the source says now, and this cluster would serve two versions as one.
        self._is_outdated = fingerprint(self._order.start) != self._order.fingerprint
        if not self._is_outdated:
            self._workers.fill()

    def _accept(self) -> None:
        accepted = self._listener.accept()
        if accepted is not None:
            connection, self._pids[connection] = accepted[0], accepted[1]
            self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, connection: Connection) -> None:
        try:
            for message in connection.received():
                connection.send(self._answer(connection, message))
        except (OSError, KeyError, TypeError, ValueError):
            self._leave(connection)

    def _leave(self, connection: Connection) -> None:
        self._selector.unregister(connection)
        connection.close()
        del self._pids[connection]
        lease = self._leases.pop(connection, None)
        if lease is not None:
            self._workers.end_lease(lease)

    def _answer(self, connection: Connection, message: Message) -> Message:
        match message["ask"]:
            case "lease":
                return self._lease(connection, message)
            case "worker":
                worker = self._workers.lend(self._leases[connection], Resources(**message["resources"]))
                return {"worker": None if worker is None else worker.name, "warm": bool(worker and worker.facts)}
            case "give-back" | "end-worker":
                alive = message["ask"] == "give-back"
                self._workers.give_back(self._leases[connection], message["worker"], alive=alive)
                return {}
            case "status":
                return self._status()
            case "end":
                return self._end(connection, force=message["force"])
        raise ValueError(message["ask"])

    def _lease(self, connection: Connection, message: Message) -> Message:
        wishes = [Wish(resources=Resources(**wish["resources"]), count=wish["count"]) for wish in message["wishes"]]
        same = message["fingerprint"] == self._order.fingerprint
        if not same or self._ends_at is not None or self._is_outdated or connection in self._leases:
            return {"allotment": None}
        lease = self._workers.grant(self._pids[connection], wishes, message["limit"])
        if lease is None:
            return {"allotment": None}
        self._leases[connection] = lease
        return {"allotment": dict(lease.allotment)}

    def _status(self) -> Message:
        return {
            "is_warm": self._workers.is_warm,
            "workers": [
                {"pid": worker.facts and worker.facts.pid, "run": worker.lease and worker.lease.pid}
                for worker in self._workers.workers
            ],
            "runs": [lease.pid for lease in self._leases.values()],
            "unused_seconds": 0.0 if self._leases else time.monotonic() - self._used,
        }

    def _end(self, connection: Connection, *, force: bool) -> Message:
        runs = [lease.pid for other, lease in self._leases.items() if other is not connection]
        if runs and not force:
            return {"ending": False, "runs": runs}
        self._end_soon()
        return {"ending": True, "runs": runs}

    def _end_soon(self) -> None:
        """Asks the runs to stop in order; they resume elsewhere."""
        if self._ends_at is None:
            self._ends_at = time.monotonic() + GRACE_SECONDS
            for lease in self._leases.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(lease.pid, signal.SIGTERM)


def main() -> int:
    """The process: its order comes as a pickle from its parent, through a pipe."""
    order: Order = pickle.load(sys.stdin.buffer)
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with (
            _held(order.folder),
            ray_cluster.connected(None, token=order.folder.token) as ray,
            watching(ray) as watch,
            contextlib.closing(Listener.at(order.folder.socket)) as listener,
            _announced(ray, order),
        ):
            Keeper(ray, watch, order, listener).keep()
    except (SeqjobsError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


@contextlib.contextmanager
def _held(folder: KeptFolder) -> Iterator[None]:
    """The folder, which no other keeper has; what a dead one left is removed. Raises RunFolderError."""
    lock = Lock(folder.lock)
    lock.take()
    try:
        folder.clear()
        ray_cluster.create_token(folder.token)
        yield
    finally:
        folder.clear()
        lock.give_back()


@contextlib.contextmanager
def _announced(ray: Any, order: Order) -> Iterator[None]:
    """Written down where submits look, until it is about to end."""
    order.folder.write(
        KeptState(
            keeper=ProcessId.of(os.getpid()),
            address=ray.get_runtime_context().gcs_address,
            fingerprint=order.fingerprint,
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            idle_seconds=order.idle_seconds,
        )
    )
    try:
        yield
    finally:
        order.folder.state.unlink(missing_ok=True)
