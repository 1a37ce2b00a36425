"""LeasedWorkers: the workers that a kept cluster lends to a run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Self, final

from seqjobs.errors import ClusterError
from seqjobs.execution.cluster_watch import asked
from seqjobs.execution.kept.cluster import alive
from seqjobs.execution.kept.fingerprint import fingerprint
from seqjobs.execution.kept.folder import KeptFolder, KeptState
from seqjobs.execution.kept.local_socket import Connection, Message
from seqjobs.execution.start_runner import StartRunner
from seqjobs.planning.resources import Resources

_ANSWER_SECONDS = 5.0


@final
class LeasedWorkers:
    """A WorkerSource; made by `lease`, and over when it is closed or its process ends, however that ends."""

    def __init__(
        self, connection: Connection, folder: KeptFolder, state: KeptState, allotment: Mapping[str, float]
    ) -> None:
        self.address = state.address
        self.token = folder.token
        self._connection = connection
        self._allotment = dict(allotment)
        self._names: dict[int, str] = {}
        self._ray: Any = None
        self.is_warm = True

    @classmethod
    def lease(
        cls,
        demand: Mapping[Resources, int],
        limit: int | None,
        start: StartRunner,
        notify: Callable[[str], None],
    ) -> Self | None:
        """None, and a word to the user, where a cluster is kept but is not of use; None where none is kept.

        Raises ClusterError E512.
        """
        folder = KeptFolder.find()
        state = folder and alive(folder)
        if folder is None or state is None:
            return None
        own = fingerprint(start)
        if state.fingerprint != own:
            notify("the warm cluster has another version or environment and is not used; `seqjobs up` replaces it")
            return None
        try:
            connection = Connection.to(folder.socket, timeout_seconds=_ANSWER_SECONDS)
            wishes = [{"resources": asdict(resources), "count": count} for resources, count in demand.items()]
            answer = connection.ask(ask="lease", fingerprint=own, wishes=wishes, limit=limit)
        except OSError:
            notify("the warm cluster does not answer and is not used; `seqjobs down --force` ends it")
            return None
        if answer["allotment"] is None:
            notify("the warm cluster has no room for this run; the run starts its own workers")
            connection.close()
            return None
        return cls(connection, folder, state, answer["allotment"])

    def connect(self, ray: Any) -> None:
        """To be called once with Ray, connected to `address`."""
        self._ray = ray

    def close(self) -> None:
        """Gives back the workers that were not ended, and ends the lease."""
        for actor in list(self._names):
            self._part_with(actor, "give-back")
        self._connection.close()

    def capacity(self) -> Mapping[str, float]:
        self.check()
        return self._allotment

    def nodes_are_alive(self, node_ids: Sequence[str], *, ask: bool) -> bool:  # noqa: ARG002 (the one there is)
        self.check()
        return True

    def has_process(self, actor: Any) -> bool:  # noqa: ARG002 (the keeper lends what there is room for)
        self.check()
        return True

    def has_lost_its_node(self, actor: Any) -> bool:  # noqa: ARG002 (it is this machine)
        return False

    def leaving_nodes(self) -> frozenset[str]:
        return frozenset()

    def start(self, resources: Resources, gpus: float) -> Any:  # noqa: ARG002 (the keeper knows what `auto` is)
        answer = self._asked(ask="worker", resources=asdict(resources))
        name = answer["worker"]
        if name is None:
            raise _lost("it no longer has a worker for this run")
        try:
            actor = asked(lambda: self._ray.get_actor(name), self.check)
        except ValueError as error:
            raise _lost("a worker that it lent is gone") from error
        self._names[id(actor)] = name
        self.is_warm = self.is_warm and answer["warm"]
        return actor

    def end(self, actor: Any) -> None:
        self._part_with(id(actor), "end-worker")

    def give_back(self, actor: Any) -> None:
        self._part_with(id(actor), "give-back")

    def check(self) -> None:
        """Ray itself would ask its servers for a minute, and then end the process."""
        if self._connection.is_over():
            raise _lost("it has ended")

    def _part_with(self, actor: int, how: str) -> None:
        # Where the keeper is gone, its workers are.
        with contextlib.suppress(ClusterError):
            self._asked(ask=how, worker=self._names.pop(actor, ""))

    def _asked(self, **question: Any) -> Message:
        try:
            return self._connection.ask(**question)
        except OSError as error:
            # An answer that comes later would be taken for that to the next question.
            self._connection.close()
            raise _lost(str(error.strerror or error)) from error


def _lost(why: str) -> ClusterError:
    return ClusterError("E516", f"the warm cluster was lost: {why}", fix="run the same command again to resume.")
