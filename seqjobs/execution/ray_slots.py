"""Slots: the warm workers of one kind of resources."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

from seqjobs.errors import ClusterError
from seqjobs.execution import ray_cluster
from seqjobs.execution.ray_worker import Worker, WorkerFacts
from seqjobs.planning.resources import Resources
from seqjobs.training.outcome import PackRunner

# A worker that dies while it starts is replaced so often; then the cause is not chance.
MAX_FAILED_STARTS = 3
# How often the cluster is asked for nodes that have joined.
LOOK_SECONDS = 5.0


@dataclass(kw_only=True)
class Slot:
    """One worker; `facts` is None until TensorFlow is imported."""

    name: str
    actor: Any
    starting: Any
    facts: WorkerFacts | None = None
    last_program: str = ""


@final
@dataclass(kw_only=True)
class Slots:
    """The workers of one kind of resources: as many as the cluster holds, at most `limit` and `count`."""

    ray: Any
    resources: Resources
    count: int
    limit: int | None
    start: Callable[[int], PackRunner]
    slots: list[Slot] = field(default_factory=list)
    _made: int = 0
    _failed_starts: int = 0
    _looked: float = float("-inf")

    def fill(self) -> None:
        """Starts workers until there are as many as there may be. Raises ClusterError E506 where none fits."""
        for _ in range(self._room()):
            self.slots.append(self._start_one())

    def refill_when_due(self) -> None:
        """As `fill`, now and then: nodes join and leave."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self.fill()

    def ready_actors(self) -> list[Any]:
        """All actors, once at least one has started; Ray queues calls to those that start still."""
        if not self.slots:
            self.fill()
        return [slot.actor for slot in self.slots]

    def started(self, slot: Slot) -> WorkerFacts:
        """What a worker says of itself; to be called when its `starting` is ready. Raises Ray's errors."""
        facts: WorkerFacts = self.ray.get(slot.starting)
        slot.facts = facts
        self._failed_starts = 0
        return facts

    def remove(self, slot: Slot, reason: str) -> None:
        """Forgets a dead worker. Raises ClusterError E507 where workers die while they start, again and again."""
        self.slots.remove(slot)
        if slot.facts is None:
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                raise ClusterError(
                    "E507", f"{MAX_FAILED_STARTS} workers in a row died while they started: {reason}",
                    fix="run `seqjobs doctor`.",
                )  # fmt: skip

    def close(self) -> None:
        """Ends all workers, which gives their resources back."""
        for slot in self.slots:
            self.ray.kill(slot.actor)
        self.slots.clear()

    def _room(self) -> int:
        self._looked = time.monotonic()
        capacity = ray_cluster.capacity(self.ray)
        fits = int(capacity["CPU"] // self.resources.cpus)
        gpus = self._gpus(capacity)
        if gpus:
            fits = min(fits, int(capacity["GPU"] // gpus))
        if fits == 0 and not self.slots:
            raise ClusterError(
                "E506",
                f"a worker wants {self.resources.cpus} CPUs and {gpus} GPUs, "
                f"the cluster has {capacity['CPU']:g} and {capacity['GPU']:g}",
                fix="lower `resources` in the spec.",
            )
        most = min(fits, self.count, self.limit if self.limit is not None else fits)
        return max(0, most - len(self.slots))

    def _gpus(self, capacity: Any) -> int:
        if self.resources.gpus == "auto":
            return 1 if capacity["GPU"] >= 1 else 0
        return self.resources.gpus

    def _start_one(self) -> Slot:
        self._made += 1
        name = f"w{self._made}"
        gpus = self._gpus(ray_cluster.capacity(self.ray))
        actor_class = self.ray.remote(Worker).options(num_cpus=self.resources.cpus, num_gpus=gpus, max_restarts=0)
        actor = actor_class.remote(self.resources.cpus, self.start)
        return Slot(name=name, actor=actor, starting=actor.facts.remote())
