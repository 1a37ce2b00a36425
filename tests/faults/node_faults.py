"""Nodes of a Ray cluster that are killed over and over, or drained before they go; named in `ray_faults`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from seqjobs.execution.events import AttemptEnded, AttemptLost, AttemptsPlanned, CheckpointTaken, Event
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.training.outcome import Cause, PackCheckpoint
from tests.conftest import POINTS_SPEC
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.files import write_spec
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import write_points

KILLS = 30
SECONDS_BETWEEN = 20.0
DEADLINE_SECONDS = 3.0


@contextmanager
def cluster_of_two() -> Iterator[Any]:
    """A head without CPUs and two nodes of one."""
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        yield cluster
    finally:
        cluster.shutdown()


def drain(cluster: Any, node: Any, seconds: float) -> None:
    """As whoever takes a machine back tells Ray."""
    raylet: Any = import_module("ray._raylet")
    preemption = 2  # DRAIN_NODE_REASON_PREEMPTION of Ray's autoscaler.proto
    deadline = int((time.time() + seconds) * 1000)
    accepted, why = raylet.GcsClient(address=cluster.address).drain_node(node.node_id, preemption, "a test", deadline)
    assert accepted, why


def kill_raylets(folder: Path) -> None:
    """A raylet is killed every 20 s for ten minutes, and another comes: nobody is charged, all CPUs are free then."""
    plan = _plan(folder, packs=200, epochs=60)
    with cluster_of_two() as cluster:
        kills, last = 0, time.monotonic()

        def look(_event: Event) -> None:
            nonlocal kills, last
            if kills < KILLS and time.monotonic() - last > SECONDS_BETWEEN:
                cluster.remove_node(_node(cluster), allow_graceful=False)
                cluster.add_node(num_cpus=1)
                kills, last = kills + 1, time.monotonic()

        lost = _all_end(plan, cluster.address, look)
        print(f"  {kills} raylets killed, {lost} attempts lost", flush=True)
        assert kills == KILLS
        _assert_all_free(cluster.address)


def lose_drained(folder: Path) -> None:
    """A drained node goes at its deadline, in the midst of an epoch: the attempt on it is lost, and is not charged."""
    plan = _plan(folder, packs=2, epochs=3)
    with cluster_of_two() as cluster:
        drained: list[tuple[Any, float]] = []

        def look(event: Event) -> None:
            if not drained and isinstance(event, CheckpointTaken):
                drained.append((_node(cluster), time.monotonic()))
                drain(cluster, drained[0][0], DEADLINE_SECONDS)
            if len(cluster.worker_nodes) == 2 and drained and time.monotonic() - drained[0][1] > DEADLINE_SECONDS:
                cluster.remove_node(drained[0][0], allow_graceful=False)
                cluster.add_node(num_cpus=1)
                drained[0] = (None, float("inf"))

        assert _all_end(plan, cluster.address, look, epoch_seconds=4 * DEADLINE_SECONDS) == 1
        assert drained[0][0] is None


def _node(cluster: Any) -> Any:
    return next(iter(cluster.worker_nodes))


def _plan(folder: Path, packs: int, epochs: int) -> Plan:
    write_points(folder)
    write_spec(folder, POINTS_SPEC + "limits: {retries: 0, checkpoint: 1s}\n")
    return plan_of(folder / "job.yaml", f"search.repeats={packs}", f"fit.epochs={epochs}", "fit.pack=off")


def _all_end(plan: Plan, address: str, look: Callable[[Event], None], epoch_seconds: float = 0.1) -> int:
    """How many attempts were lost, all of them uncharged; none begins before its checkpoint."""
    saved: dict[str, PackCheckpoint] = {}
    ended, lost = set(), 0
    with RayPool({Resources(): 6}, address=address, start=StartFake(epoch_seconds=epoch_seconds)) as pool:
        pool.load(plan.datasets)
        for event in pool.run(plan.packs, {}, saved.get):
            look(event)
            if isinstance(event, CheckpointTaken):
                saved[event.pack_id] = event.checkpoint
            elif isinstance(event, AttemptsPlanned):
                for attempt in event.attempts:
                    before = saved.get(attempt.pack_id)
                    assert attempt.epochs == (0 if before is None else before.epochs)
            elif isinstance(event, AttemptLost):
                assert event.failure.cause is Cause.INFRASTRUCTURE, event.failure
                assert not event.charged
                lost += 1
            elif isinstance(event, AttemptEnded):
                ended.add(event.pack_id)
    assert ended == {pack.id for pack in plan.packs}
    return lost


def _assert_all_free(address: str) -> None:
    import ray  # noqa: PLC0415

    ray.init(address=address, log_to_driver=False)
    try:
        deadline = time.monotonic() + 60
        while ray.available_resources().get("CPU") != 2.0 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert ray.available_resources().get("CPU") == 2.0, ray.available_resources()
    finally:
        ray.shutdown()
