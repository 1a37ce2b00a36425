"""ClusterWatch: notices that a cluster is lost, while its driver can still leave in order.

Ray itself tries for a minute to reach a head that is gone and then ends the driver's process with a message of its own;
what asks the head something waits for so long. A raylet that is gone it does not miss at all.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, final

from seqjobs.errors import ClusterError

Answer = TypeVar("Answer")

# Processes of our own are looked at so often at most; it is a system call each.
LOOK_SECONDS = 0.1
# Servers of a cluster that is not ours: how often they are tried, how long each may take, and how many tries in a row
# that fail are too many. It comes to 30-42 s, and leaving to 6 s more, of the minute that Ray gives.
PROBE_SECONDS = 5.0
PROBE_TIMEOUT_SECONDS = 2.0
MOST_FAILED_PROBES = 6


@final
class ClusterWatch:
    """Asks `look`, now and then, what of the cluster has gone; "" where nothing has."""

    def __init__(self, look: Callable[[], str]) -> None:
        self._look = look
        self._looked = float("-inf")
        self._lost = ""

    def check(self) -> None:
        """Raises ClusterError E520 once the cluster is lost."""
        now = time.monotonic()
        if not self._lost and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._lost = self._look()
        if self._lost:
            raise ClusterError(
                "E520", f"the cluster is lost: {self._lost}", fix="run the same command again to resume."
            )


@contextlib.contextmanager
def watching(ray: Any) -> Iterator[ClusterWatch]:
    """Watches the cluster that this process is connected to."""
    node = ray._private.worker._global_node
    if node is None:  # another process is the driver, and its connection is all that there is
        yield ClusterWatch(lambda: "")
        return
    own = {name: node.all_processes[name][0].process for name in ("gcs_server", "raylet") if name in node.all_processes}
    if own:
        yield ClusterWatch(lambda: _ended(own))
        return
    places = {"head": node.gcs_address, "raylet": f"{node.node_ip_address}:{node.node_manager_port}"}
    stop = threading.Event()
    failed = dict.fromkeys(places, 0)
    thread = threading.Thread(target=_probe, args=(places, failed, stop), name="cluster-watch", daemon=True)
    thread.start()
    try:
        yield ClusterWatch(lambda: _silent(places, failed))
    finally:
        stop.set()


def asked(call: Callable[[], Answer], check: Callable[[], None]) -> Answer:
    """What `call`, which may ask the head of a cluster, returns or raises; what `check` raises while it takes long."""
    check()
    answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def answer() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:  # (goes on where the answer is awaited)
            answers.put((None, error))

    threading.Thread(target=answer, name="cluster-ask", daemon=True).start()
    while True:
        try:
            value, error = answers.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            check()
            continue
        if error is not None:
            raise error
        found: Answer = value
        return found


def _ended(processes: Mapping[str, Any]) -> str:
    codes = {name: process.poll() for name, process in processes.items()}
    return ", ".join(f"its {name} ended with {code}" for name, code in codes.items() if code is not None)


def _silent(places: Mapping[str, str], failed: Mapping[str, int]) -> str:
    silent = [name for name, count in failed.items() if count >= MOST_FAILED_PROBES]
    return ", ".join(f"its {name} at {places[name]} does not answer" for name in silent)


def _probe(places: Mapping[str, str], failed: dict[str, int], stop: threading.Event) -> None:
    while not stop.wait(PROBE_SECONDS):
        for name, place in places.items():
            failed[name] = 0 if _answers(place) else failed[name] + 1


def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PROBE_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True
