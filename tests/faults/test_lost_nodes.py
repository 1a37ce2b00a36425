"""Nodes of a Ray cluster that are lost while packs run on them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution import ray_slots
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptPlanned,
    AttemptsPlanned,
    CheckpointTaken,
    EpochEnded,
    Waiting,
    WorkerStarted,
)
from seqjobs.execution.executor import Saved, nothing_saved
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.resources import Resources
from seqjobs.training.outcome import Cause, PackCheckpoint
from tests.conftest import MakePlan
from tests.faults.node_faults import drain
from tests.fixtures.fake_runner import FakeRunner, StartFake

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head without CPUs; nodes are added by the tests."""
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield found
    found.shutdown()


def test_packs_of_a_lost_node_run_elsewhere_and_none_is_charged(cluster: Any, make_points_plan: MakePlan) -> None:
    pids: dict[str, int] = {}
    for event in all_ended_uncharged(cluster, make_points_plan):
        if isinstance(event, WorkerStarted):
            pids[event.worker] = event.pid
        if len(cluster.worker_nodes) == 2 and isinstance(event, EpochEnded):
            cluster.remove_node(node_of(cluster, pids[event.worker]), allow_graceful=False)
    assert len(cluster.worker_nodes) == 1


def test_a_run_that_loses_all_nodes_waits_for_another(cluster: Any, make_points_plan: MakePlan) -> None:
    lost = False
    for event in all_ended_uncharged(cluster, make_points_plan):
        if not lost and isinstance(event, EpochEnded):
            lost = True
            for node in list(cluster.worker_nodes):
                cluster.remove_node(node, allow_graceful=False)
        if isinstance(event, Waiting) and event.reason and len(cluster.worker_nodes) == 0:
            assert event.reason == "no node of the cluster has room for a worker"
            cluster.add_node(num_cpus=1)


def test_packs_on_a_drained_node_are_saved_and_go_on_elsewhere(cluster: Any, make_points_plan: MakePlan) -> None:
    workers: dict[str, WorkerStarted] = {}
    lost: list[AttemptLost] = []
    begun: dict[str, list[AttemptPlanned]] = {}
    saved: dict[str, PackCheckpoint] = {}
    drained = ""
    # The drain is seen within two seconds: one pack a node, which lasts longer.
    for event in all_ended_uncharged(cluster, make_points_plan, saved.get, packs=2, epochs=180):
        match event:
            case WorkerStarted():
                workers[event.worker] = event
            case CheckpointTaken():
                saved[event.pack_id] = event.checkpoint
            case AttemptsPlanned():
                for attempt in event.attempts:
                    begun.setdefault(attempt.pack_id, []).append(attempt)
            case AttemptLost():
                lost.append(event)
            case EpochEnded() if not drained:
                drained = event.worker
                drain(cluster, node_of(cluster, workers[drained].pid), seconds=3600)
    assert {event.worker for event in lost} == {drained}
    assert {event.failure.message.split(":")[0] for event in lost} == {"its node is drained"}
    # No checkpoint was due: what it was at was saved because of the drain, and no epoch of it is trained again.
    at_work = next(event for event in lost if event.pack_id in saved)
    first, second = begun[at_work.pack_id]
    assert (first.worker, first.epochs) == (drained, 0)
    assert second.epochs == saved[at_work.pack_id].epochs > 0
    # The cluster has no room but on the other node until the drained one is gone.
    assert len({event.worker for event in workers.values()}) == 2


def test_a_worker_that_hangs_as_it_starts_ends_the_run(
    cluster: Any, make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a worker may wait for room for ever; one that has it may not."""
    cluster.add_node(num_cpus=1)
    plan = make_points_plan()
    with RayPool({Resources(): 1}, address=cluster.address, start=never) as pool:
        pool.load(plan.datasets)
        monkeypatch.setattr(ray_slots, "START_SECONDS", 3.0)  # (not before: loading may take longer)
        with pytest.raises(ClusterError, match=r"no worker has started within 3 s: .*seqjobs doctor.*\[E507\]"):
            list(pool.run(plan.packs, {}))


def never(cpus: int) -> FakeRunner:
    time.sleep(3600)
    return StartFake()(cpus)


def node_of(cluster: Any, pid: int) -> Any:
    """The node whose raylet started the process: of the other one, nothing need have begun yet."""
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return next(node for node in cluster.worker_nodes if node.all_processes["raylet"][0].process.pid == parent)


def all_ended_uncharged(
    cluster: Any,
    make_points_plan: MakePlan,
    saved: Saved = nothing_saved,
    *,
    packs: int = 6,
    epochs: int = 20,
) -> Iterator[Any]:
    """The events of packs on two nodes, of which some are lost while whoever asks for the events looks at them."""
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    units = f"model.0.Dense.units={{choice: {list(range(1, packs + 1))}}}"
    plan = make_points_plan(units, "search.sampler=grid", f"fit.epochs={epochs}")
    events: list[Any] = []
    with RayPool({Resources(): 6}, address=cluster.address, start=StartFake(epoch_seconds=0.05)) as pool:
        pool.load(plan.datasets)
        for event in pool.run(plan.packs, {}, saved):
            events.append(event)
            yield event
    lost = [event for event in events if isinstance(event, AttemptLost)]
    assert lost
    assert {event.failure.cause for event in lost} == {Cause.INFRASTRUCTURE}
    assert not any(event.charged for event in lost)
    assert {event.pack_id for event in events if isinstance(event, AttemptEnded)} == {pack.id for pack in plan.packs}
