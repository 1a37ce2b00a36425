"""Slots: the warm workers of one kind of resources."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, final

from seqjobs.errors import ClusterError
from seqjobs.execution.back_off import BackOff
from seqjobs.execution.ray_worker import WorkerFacts
from seqjobs.execution.worker_source import WorkerSource, gpus_of
from seqjobs.planning.resources import Resources, times

# So many workers die in a row while they start where none has started; then the cause is not chance.
MAX_FAILED_STARTS = 3
# So many in all where others do start: as on a cluster with one node on which none can.
MAX_FAILED_STARTS_IN_ALL = 12
# A worker starts in seconds, and in a minute or two from a slow disk: one that takes so long hangs.
START_SECONDS = 600.0
# How often the cluster is asked for nodes that have joined.
LOOK_SECONDS = 5.0

_START_FIX = "run `seqjobs doctor`; once that works, run the same command again to resume."


@dataclass(kw_only=True)
class Slot:
    """One worker; `facts` is None until TensorFlow is imported."""

    name: str
    actor: Any
    starting: Any
    facts: WorkerFacts | None = None
    has_room: bool = True
    """Whether the cluster has given it a process, as far as is known."""
    since: float = field(default_factory=time.monotonic)
    """When it was asked for; where it had to wait for room, when that was seen to be over."""
    is_asked_to_leave: bool = False
    private_bytes: int = 0
    """What it held when its last pack ended, or when it was given to this run."""


@final
@dataclass(kw_only=True)
class Slots:
    """The workers of one kind of resources: as many as the cluster holds, at most `limit` and `count`."""

    ray: Any
    resources: Resources
    count: int
    limit: int | None
    source: WorkerSource
    waits_for_room: bool = False
    """Whether others may hold the room that the cluster has: then a worker may rightly be long in coming."""
    slots: list[Slot] = field(default_factory=list)
    _made: int = 0
    _ever_started: bool = False
    _has_room: bool = True
    _failed_starts: int = 0
    _back_off: BackOff = field(default_factory=BackOff)
    _looked: float = float("-inf")
    _looked_for_processes: float = float("-inf")

    def fill(self) -> None:
        """Starts workers until there are as many as there may be, or none for a while where some died as they started.

        Raises ClusterError E506 where none fits, and none ever did.
        """
        for _ in range(self._room() if self._back_off.is_over else 0):
            self.slots.append(self._start_one())

    def refill_when_due(self) -> None:
        """As `fill`, now and then: nodes join and leave, and workers that died may be tried again."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS or self._back_off.has_ended_since(self._looked):
            self.fill()

    def ready_actors(self) -> list[Any]:
        """All actors, at least one, those that have started first; Ray queues calls to those that start still."""
        if not self.slots and self._room():
            self.slots.append(self._start_one())
        return [slot.actor for slot in sorted(self.slots, key=lambda slot: slot.facts is None)]

    def started(self, slot: Slot) -> WorkerFacts:
        """What a worker says of itself; to be called when its `starting` is ready.

        Raises Ray's errors, and ClusterError E511 where it is over its budget of memory from the start.
        """
        facts: WorkerFacts = self.ray.get(slot.starting)
        budget = self.resources.memory
        if budget is not None and facts.private_bytes > budget and not facts.num_packs:
            raise ClusterError(
                "E511",
                f"a worker that has trained nothing yet holds {_mebibytes(facts.private_bytes)} MiB, "
                f"more than the {_mebibytes(budget)} MiB of its budget",
                fix="raise `resources.memory` in the spec.",
            )
        slot.facts, slot.private_bytes = facts, facts.private_bytes
        self._ever_started = True
        self._back_off.started()
        return facts

    def check_starts(self) -> None:
        """Raises ClusterError E507 where all workers have been starting for so long that none is to be expected.

        Those that wait for room are not starting yet; it may be one that hangs that has it.
        """
        if any(slot.facts is not None for slot in self.slots):
            return
        self._look_for_processes()
        starting, now = [slot for slot in self.slots if slot.has_room], time.monotonic()
        if not starting or any(now - slot.since < START_SECONDS for slot in starting):
            return
        # Nobody may have asked yet for the facts of one that has started, or died.
        if self.ray.wait([slot.starting for slot in starting], timeout=0, fetch_local=False)[0]:
            return
        what = f"no worker has started within {START_SECONDS:g} s: its process does not start, or hangs in an import"
        raise ClusterError("E507", what, fix=_START_FIX)

    def _look_for_processes(self) -> None:
        now = time.monotonic()
        if now - self._looked_for_processes < LOOK_SECONDS:
            return
        self._looked_for_processes = now
        for slot in self.slots:
            if not slot.has_room and self.source.has_process(slot.actor):
                slot.has_room, slot.since = True, now

    def remove(self, slot: Slot, reason: str, *, had_started: bool = False) -> None:
        """Ends a worker, whatever it is at, if it is not dead already, and forgets it.

        One whose facts nobody has asked for yet may have started all the same. Raises ClusterError E507 where workers
        die while they start, again and again, and not with their nodes.
        """
        has_failed = slot.facts is None and not had_started and not self.source.has_lost_its_node(slot.actor)
        self.source.end(slot.actor)
        self.slots.remove(slot)
        if has_failed:
            self._note_failed_start(reason)

    def _note_failed_start(self, reason: str) -> None:
        self._failed_starts += 1
        self._back_off.failed()
        none_has_started = all(slot.facts is None for slot in self.slots)
        if none_has_started and self._back_off.failed_in_a_row >= MAX_FAILED_STARTS:
            what = f"{self._back_off.failed_in_a_row} workers in a row died while they started: {reason}"
            raise ClusterError("E507", what, fix=_START_FIX)
        if self._failed_starts >= MAX_FAILED_STARTS_IN_ALL:
            raise ClusterError(
                "E507", f"{self._failed_starts} workers died while they started: {reason}", fix=_START_FIX
            )

    @property
    def lack(self) -> str:
        """Why there are no workers, where there have been some: another node may join.

        One that was asked for before its node was lost waits for another, and is none.
        """
        any_works = any(slot.facts is not None for slot in self.slots)
        return "" if any_works or self._has_room else "no node of the cluster has room for a worker"

    def is_full(self, slot: Slot) -> bool:
        """Whether the worker holds more memory than it may, and so takes up no further pack."""
        return self.resources.memory is not None and slot.private_bytes > self.resources.memory

    def is_leaving(self, slot: Slot) -> bool:
        """Whether a machine of the worker is to go soon, or has gone after that was told."""
        return slot.facts is not None and not self.source.leaving_nodes().isdisjoint(slot.facts.node_ids)

    def close(self) -> None:
        """Gives all workers back, which must be at nothing, and with them their resources."""
        for slot in self.slots:
            self.source.give_back(slot.actor)
        self.slots.clear()

    def _room(self) -> int:
        self._looked = time.monotonic()
        capacity = self.source.capacity()
        each = self.resources.workers
        fits = times(capacity["CPU"], self.resources.cpus * each)
        gpus = gpus_of(self.resources, capacity)
        if gpus:
            fits = min(fits, times(capacity["GPU"], gpus * each))
        if self.resources.memory:
            fits = min(fits, int(capacity["memory"] // (self.resources.memory * each)))
        self._has_room = fits > 0
        if fits == 0 and not self.slots and not self._ever_started:
            raise ClusterError(
                "E506",
                f"a worker needs {self._wanted(gpus)}, the cluster has {self._found(capacity)}",
                fix="lower `resources` in the spec.",
            )
        most = min(fits, self.count, self.limit if self.limit is not None else fits)
        return max(0, most - sum(not self.is_leaving(slot) for slot in self.slots))

    def _wanted(self, gpus: float) -> str:
        memory = self.resources.memory
        wanted = f"{self.resources.cpus} CPUs and {gpus:g} GPUs"
        wanted = wanted if memory is None else f"{wanted} and {_mebibytes(memory)} MiB of memory"
        return wanted if self.resources.workers == 1 else f"{self.resources.workers} times {wanted}"

    def _found(self, capacity: Any) -> str:
        found = f"{capacity['CPU']:g} and {capacity['GPU']:g}"
        if self.resources.memory is None:
            return found
        return f"{found} and {_mebibytes(int(capacity['memory']))}"

    def _start_one(self) -> Slot:
        self._made += 1
        name = f"w{self._made}"
        actor = self.source.start(self.resources, gpus_of(self.resources, self.source.capacity()))
        return Slot(name=name, actor=actor, starting=actor.facts.remote(), has_room=not self.waits_for_room)


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.0f}"
