"""WorkerSource: where the workers of a run come from, and go to in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, final

from seqjobs.execution import ray_cluster
from seqjobs.execution.cluster_watch import ClusterWatch, asked
from seqjobs.execution.hardening import Hardened
from seqjobs.execution.ray_worker import SIGNALS, Worker
from seqjobs.planning.resources import Resources
from seqjobs.training.outcome import PackRunner


class WorkerSource(Protocol):
    """Gives actors of Worker. Raises ClusterError where the cluster is lost."""

    @property
    def is_warm(self) -> bool:
        """Whether every worker that it gave so far had started before."""

    def check(self) -> None:
        """Raises ClusterError where the cluster is lost; costs next to nothing."""

    def capacity(self) -> Mapping[str, float]:
        """What this run may use: `CPU`, `GPU`, and bytes of `memory`."""

    def node_is_alive(self, node_id: str, *, ask: bool) -> bool:
        """Whether the machine of a worker that died is there still; with `ask` the machine itself must answer."""

    def start(self, resources: Resources, gpus: int) -> Any:
        """A worker, which may have started already or start yet: calls to it wait until it has."""

    def end(self, actor: Any) -> None:
        """Ends a worker at once, whatever it is at, if it is not dead already."""

    def give_back(self, actor: Any) -> None:
        """Parts with a worker that is at nothing."""


@final
class OwnWorkers:
    """Workers that the run starts for itself, and that end with it."""

    def __init__(self, ray: Any, start: Callable[[int], PackRunner], watch: ClusterWatch) -> None:
        self._ray = ray
        self._start = start
        self._watch = watch
        self.is_warm = False

    def check(self) -> None:
        self._watch.check()

    def capacity(self) -> Mapping[str, float]:
        return asked(lambda: ray_cluster.capacity(self._ray), self.check)

    def node_is_alive(self, node_id: str, *, ask: bool) -> bool:
        return asked(lambda: ray_cluster.node_is_alive(self._ray, node_id, ask=ask), self.check)

    def start(self, resources: Resources, gpus: int) -> Any:
        return asked(lambda: start_worker(self._ray, self._start, resources, gpus), self.check)

    def end(self, actor: Any) -> None:
        self._ray.kill(actor)

    def give_back(self, actor: Any) -> None:
        self._ray.kill(actor)


def start_worker(
    ray: Any, start: Callable[[int], PackRunner], resources: Resources, gpus: int, *, name: str | None = None
) -> Any:
    """A new actor of Worker in a hardened process; with a name, others of the namespace find it."""
    actor_class = ray.remote(concurrency_groups={SIGNALS: 1})(Worker).options(
        num_cpus=resources.cpus, num_gpus=gpus, memory=resources.memory, max_restarts=0, name=name
    )
    return actor_class.remote(resources.cpus, Hardened(start=start), resources.memory)


def gpus_of(resources: Resources, capacity: Mapping[str, float]) -> int:
    """`auto` is one GPU where there is any."""
    if resources.gpus == "auto":
        return 1 if capacity["GPU"] >= 1 else 0
    return resources.gpus
