"""KeptWorkers: the workers of a kept cluster, warm and free or lent to runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from seqjobs.execution import ray_cluster
from seqjobs.execution.back_off import BackOff
from seqjobs.execution.ray_worker import WorkerFacts
from seqjobs.execution.start_runner import StartRunner
from seqjobs.execution.worker_source import StartedWorker, gpus_of, start_worker
from seqjobs.planning.resources import Resources, times

# What a worker may hold more after a run than when it was new, before it is replaced by a new one.
MOST_GROWTH_BYTES = 2 * 2**30
# Workers in a row that die while they start; then the cause is not chance.
MAX_FAILED_STARTS = 3


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How many workers of one kind a run could use."""

    resources: Resources
    count: int


@dataclass(eq=False, kw_only=True)
class Lease:
    """What one run was granted: room, and the workers in it."""

    pid: int
    allotment: Mapping[str, float]
    workers: list[KeptWorker] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class KeptWorker:
    """One actor; `facts` is None until it has started, and until it has answered after a run."""

    name: str
    need: Mapping[str, float]
    started: StartedWorker
    starting: Any
    facts: WorkerFacts | None = None
    bytes_when_new: int = 0
    lease: Lease | None = None


@final
class KeptWorkers:
    """Lends workers to runs; keeps `count` of the default resources warm in the room that no run has."""

    def __init__(self, ray: Any, start: StartRunner, count: int | None) -> None:
        self._ray = ray
        self._start = start
        self._total = ray_cluster.capacity(ray)
        self.count = min(count or self._fits(Resources(), self._total), self._fits(Resources(), self._total))
        self.workers: list[KeptWorker] = []
        self.leases: list[Lease] = []
        self._back_off = BackOff()
        self._made = 0

    def fill(self) -> None:
        """Starts warm workers as long as fewer than `count` are there and there is room beside the runs, but for a
        while after one died as it started."""
        for _ in range(self._missing() if self._back_off.is_over else 0):
            self._new(Resources())

    @property
    def wants_more(self) -> bool:
        """Whether `fill` would start any now."""
        return self._back_off.is_over and self._missing() > 0

    @property
    def failed_starts(self) -> int:
        """How many died one after another as they started."""
        return self._back_off.failed_in_a_row

    def grant(self, pid: int, wishes: Sequence[Wish], limit: int | None) -> Lease | None:
        """Room for at least one worker of each wish, and for as many as it can use; None where there is none."""
        room = self._without_leases()
        allotment = dict.fromkeys(room, 0.0)
        for wish in wishes:
            fits = self._fits(wish.resources, room)
            if fits == 0:
                return None
            count = min(fits, wish.count, limit or fits)
            for name, amount in self._need(wish.resources).items():
                allotment[name] = max(allotment[name], amount * count)
        lease = Lease(pid=pid, allotment=allotment)
        self.leases.append(lease)
        return lease

    def lend(self, lease: Lease, resources: Resources) -> KeptWorker | None:
        """A worker, a warm one if there is; None where the lease has no room left for it."""
        room = dict(lease.allotment)
        for worker in lease.workers:
            room = _less(room, worker.need)
        if self._fits(resources, room) == 0:
            return None
        need = self._need(resources)
        free = [worker for worker in self.workers if worker.lease is None and worker.need == need]
        free.sort(key=lambda worker: worker.facts is None)
        worker = free[0] if free else self._make_room_for(resources)
        worker.lease = lease
        lease.workers.append(worker)
        return worker

    def give_back(self, lease: Lease, name: str, *, alive: bool) -> None:
        """Takes a worker back from its run; one that is alive and at nothing stays warm if it is one of the usual."""
        worker = next((worker for worker in lease.workers if worker.name == name), None)
        if worker is None:
            return
        lease.workers.remove(worker)
        worker.lease = None
        others = sum(self._is_usual(other) for other in self.workers if other is not worker)
        if not alive or not self._is_usual(worker) or others >= self.count:
            self._end(worker)
            return
        worker.facts, worker.starting = None, worker.started.actor.facts.remote()

    def end_lease(self, lease: Lease) -> None:
        """Ends the workers that the run has not given back: nobody knows what they are at."""
        for worker in list(lease.workers):
            self.give_back(lease, worker.name, alive=False)
        self.leases.remove(lease)

    def look(self) -> None:
        """Takes note of workers that have started, or died, since the last look."""
        waiting = {worker.starting: worker for worker in self.workers if worker.facts is None}
        if not waiting:
            return
        ready, _ = self._ray.wait(list(waiting), num_returns=len(waiting), timeout=0, fetch_local=False)
        for reference in ready:
            self._look_at(waiting[reference])

    @property
    def is_warm(self) -> bool:
        return len(self.workers) >= self.count and all(worker.facts is not None for worker in self.workers)

    def _look_at(self, worker: KeptWorker) -> None:
        try:
            worker.facts = self._ray.get(worker.starting)
        except self._ray.exceptions.RayError:
            # A run that has the worker finds out for itself.
            if worker.lease is None:
                if not worker.bytes_when_new:
                    self._back_off.failed()
                self.workers.remove(worker)
            return
        self._back_off.started()
        worker.bytes_when_new = worker.bytes_when_new or worker.facts.private_bytes
        if worker.lease is None and worker.facts.private_bytes - worker.bytes_when_new > MOST_GROWTH_BYTES:
            self._end(worker)

    def _missing(self) -> int:
        room = self._without_leases()
        for worker in self.workers:
            if worker.lease is None:
                room = _less(room, worker.need)
        usual = sum(self._is_usual(worker) for worker in self.workers)
        return min(self.count - usual, self._fits(Resources(), room))

    def _is_usual(self, worker: KeptWorker) -> bool:
        return worker.need == self._need(Resources())

    def _make_room_for(self, resources: Resources) -> KeptWorker:
        room: Mapping[str, float] = self._total
        for worker in self.workers:
            room = _less(room, worker.need)
        for worker in [worker for worker in self.workers if worker.lease is None]:
            if self._fits(resources, room):
                break
            self._end(worker)
            room = _more(room, worker.need)
        return self._new(resources)

    def _new(self, resources: Resources) -> KeptWorker:
        self._made += 1
        name, gpus = f"worker-{self._made}", gpus_of(resources, self._total)
        started = start_worker(self._ray, self._start, resources, gpus, name=name)
        facts = started.actor.facts.remote()
        worker = KeptWorker(name=name, need=self._need(resources), started=started, starting=facts)
        self.workers.append(worker)
        return worker

    def _end(self, worker: KeptWorker) -> None:
        worker.started.end(self._ray)
        self.workers.remove(worker)

    def _without_leases(self) -> Mapping[str, float]:
        room: Mapping[str, float] = self._total
        for lease in self.leases:
            room = _less(room, lease.allotment)
        return room

    def _need(self, resources: Resources) -> Mapping[str, float]:
        gpus = gpus_of(resources, self._total)
        one = {"CPU": float(resources.cpus), "GPU": float(gpus), "memory": float(resources.memory or 0)}
        return {name: amount * resources.workers for name, amount in one.items()}

    def _fits(self, resources: Resources, room: Mapping[str, float]) -> int:
        return max(0, min(_counts(self._need(resources), room)))


def _counts(need: Mapping[str, float], room: Mapping[str, float]) -> Iterator[int]:
    return (times(room[name], amount) for name, amount in need.items() if amount)


def _less(room: Mapping[str, float], need: Mapping[str, float]) -> dict[str, float]:
    return {name: amount - need[name] for name, amount in room.items()}


def _more(room: Mapping[str, float], need: Mapping[str, float]) -> dict[str, float]:
    return {name: amount + need[name] for name, amount in room.items()}
