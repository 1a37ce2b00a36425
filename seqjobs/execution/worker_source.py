"""WorkerSource: where the workers of a run come from, and go to in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

from seqjobs.execution import ray_cluster
from seqjobs.execution.cluster_watch import ClusterWatch, asked
from seqjobs.execution.companions import in_bundle, room_for
from seqjobs.execution.hardening import Hardened
from seqjobs.execution.ray_worker import SIGNALS, Worker
from seqjobs.execution.start_runner import StartRunner
from seqjobs.planning.resources import Resources


class WorkerSource(Protocol):
    """Gives actors of Worker. Raises ClusterError where the cluster is lost."""

    @property
    def is_warm(self) -> bool:
        """Whether every worker that it gave so far had started before."""

    def check(self) -> None:
        """Raises ClusterError where the cluster is lost; costs next to nothing."""

    def capacity(self) -> Mapping[str, float]:
        """What this run may use: `CPU`, `GPU`, and bytes of `memory`."""

    def nodes_are_alive(self, node_ids: Sequence[str], *, ask: bool) -> bool:
        """Whether the machines of a worker that died are there still; with `ask` they must answer themselves."""

    def has_process(self, actor: Any) -> bool:
        """Whether the cluster has made room for a worker, so that it starts, or has started."""

    def has_lost_its_node(self, actor: Any) -> bool:
        """Whether the machine is gone of a worker that died before it told which that was."""

    def leaving_nodes(self) -> frozenset[str]:
        """The ids of machines that are to go soon, or have gone after that was told; costs next to nothing."""

    def start(self, resources: Resources, gpus: float) -> Any:
        """A worker, which may have started already or start yet: calls to it wait until it has."""

    def end(self, actor: Any) -> None:
        """Ends a worker at once, whatever it is at, if it is not dead already."""

    def give_back(self, actor: Any) -> None:
        """Parts with a worker that is at nothing."""


@final
class OwnWorkers:
    """Workers that the run starts for itself, and that end with it."""

    def __init__(
        self, ray: Any, start: StartRunner, watch: ClusterWatch, leaving: Callable[[], frozenset[str]]
    ) -> None:
        self._ray = ray
        self._start = start
        self._watch = watch
        self._leaving = leaving
        self._started: dict[int, StartedWorker] = {}
        self.is_warm = False

    def check(self) -> None:
        self._watch.check()

    def capacity(self) -> Mapping[str, float]:
        return asked(lambda: ray_cluster.capacity(self._ray, self._leaving()), self.check)

    def nodes_are_alive(self, node_ids: Sequence[str], *, ask: bool) -> bool:
        def answer() -> bool:
            return all(ray_cluster.node_is_alive(self._ray, node_id, ask=ask) for node_id in node_ids)

        return asked(answer, self.check)

    def has_process(self, actor: Any) -> bool:
        return self._place_of(actor)[0] > 0

    def has_lost_its_node(self, actor: Any) -> bool:
        node_id = self._place_of(actor)[1]
        return node_id != "" and not self.nodes_are_alive([node_id], ask=False)

    def _place_of(self, actor: Any) -> tuple[int, str]:
        return asked(lambda: ray_cluster.place_of(self._ray, actor), self.check)

    def leaving_nodes(self) -> frozenset[str]:
        return self._leaving()

    def start(self, resources: Resources, gpus: float) -> Any:
        started = asked(lambda: start_worker(self._ray, self._start, resources, gpus), self.check)
        self._started[id(started.actor)] = started
        return started.actor

    def end(self, actor: Any) -> None:
        self._started.pop(id(actor)).end(self._ray)

    def give_back(self, actor: Any) -> None:
        self.end(actor)


@dataclass(frozen=True, kw_only=True)
class StartedWorker:
    """An actor of Worker; with companions it has a placement group, which nobody else gives back."""

    actor: Any
    group: Any = None

    def end(self, ray: Any) -> None:
        """At once, whatever it is at, if it is not dead already."""
        ray.kill(self.actor)
        if self.group is not None:
            ray.util.remove_placement_group(self.group)


def start_worker(
    ray: Any, start: StartRunner, resources: Resources, gpus: float, *, name: str | None = None
) -> StartedWorker:
    """A new actor of Worker in a hardened process; with a name, others of the namespace find it."""
    actor_class = ray.remote(concurrency_groups={SIGNALS: 1})(Worker)
    wanted = {"num_cpus": resources.cpus, "num_gpus": gpus, "memory": resources.memory, "max_restarts": 0, "name": name}
    group = room_for(ray, resources, gpus) if resources.workers > 1 else None
    if group is not None:
        wanted["scheduling_strategy"] = in_bundle(ray, group, 0)
    actor = actor_class.options(**wanted).remote(Hardened(start=start), resources, gpus, group)
    return StartedWorker(actor=actor, group=group)


def gpus_of(resources: Resources, capacity: Mapping[str, float]) -> float:
    """`auto` is one GPU where there is any."""
    if resources.gpus == "auto":
        return 1 if capacity["GPU"] >= 1 else 0
    return resources.gpus
