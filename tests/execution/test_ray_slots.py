"""Slots by themselves: what becomes of a worker that comes with more memory than it may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution import back_off, ray_slots
from seqjobs.execution.ray_slots import Slots
from seqjobs.execution.ray_worker import WorkerFacts
from seqjobs.planning.resources import Resources

BUDGET = 2**20


class OneWorker:
    """A WorkerSource whose workers are as they are said to be; what Ray would have to be asked for is there."""

    is_warm = True
    cpus = 1
    gpus = 0.0

    def __init__(self, private_bytes: int, num_packs: int) -> None:
        self.facts = WorkerFacts(
            node="n", node_ids=("0",), pid=1, devices=(), versions=(), private_bytes=private_bytes, num_packs=num_packs
        )
        self.ended = 0
        self.leaving: frozenset[str] = frozenset()
        self.with_process: list[Any] = []
        self.is_gone = False

    def check(self) -> None: ...

    def capacity(self) -> Mapping[str, float]:
        return {"CPU": float(self.cpus), "GPU": self.gpus, "memory": float(BUDGET)}

    def nodes_are_alive(self, node_ids: Sequence[str], *, ask: bool) -> bool:
        raise NotImplementedError

    def has_process(self, actor: Any) -> bool:
        return actor in self.with_process

    def has_lost_its_node(self, actor: Any) -> bool:  # noqa: ARG002
        return self.is_gone

    def leaving_nodes(self) -> frozenset[str]:
        return self.leaving

    def start(self, resources: Resources, gpus: float) -> Any:  # noqa: ARG002
        return SimpleNamespace(facts=SimpleNamespace(remote=lambda: self.facts))

    def end(self, actor: Any) -> None:  # noqa: ARG002
        self.ended += 1

    def give_back(self, actor: Any) -> None:
        raise NotImplementedError


def slots_of(source: OneWorker, memory: int | None = BUDGET, *, waits_for_room: bool = False) -> Slots:
    slots = Slots(
        ray=SimpleNamespace(get=lambda found: found), resources=Resources(memory=memory), count=9, limit=None,
        source=source, waits_for_room=waits_for_room,
    )  # fmt: skip
    slots.fill()
    return slots


@pytest.mark.parametrize(
    ("private_bytes", "num_packs", "memory", "full"),
    [(BUDGET, 0, BUDGET, False), (BUDGET + 1, 3, BUDGET, True), (BUDGET + 1, 0, None, False)],
)
def test_a_worker_that_trained_for_others_may_be_full_when_it_comes(
    private_bytes: int, num_packs: int, memory: int | None, full: bool
) -> None:
    slots = slots_of(OneWorker(private_bytes, num_packs), memory)
    (slot,) = slots.slots
    slots.started(slot)
    assert slots.is_full(slot) == full


def test_a_new_worker_over_its_budget_is_an_error_for_no_other_would_do() -> None:
    slots = slots_of(OneWorker(3 * BUDGET, 0))
    with pytest.raises(
        ClusterError, match=r"a worker that has trained nothing yet holds 3 MiB, more than the 1 MiB.*\[E511\]"
    ):
        slots.started(slots.slots[0])


def test_as_many_workers_are_started_as_there_is_memory_for() -> None:
    assert len(slots_of(OneWorker(0, 0), memory=BUDGET).slots) == 1
    with pytest.raises(ClusterError, match=r"a worker needs 1 CPUs and 0 GPUs .* the cluster has 1 and 0 .*\[E506\]"):
        slots_of(OneWorker(0, 0), memory=BUDGET + 1)


@pytest.mark.parametrize(("share", "workers"), [(0.5, 2), (0.1, 9), (0.3, 3), (1, 1), (0, 9)])
def test_workers_with_a_part_of_a_gpu_share_it(share: float, workers: int) -> None:
    source = OneWorker(0, 0)
    source.cpus, source.gpus = 9, 1.0
    slots = Slots(
        ray=SimpleNamespace(get=lambda found: found), resources=Resources(gpus=share), count=99, limit=None,
        source=source,
    )  # fmt: skip
    slots.fill()
    assert len(slots.slots) == workers


def test_a_worker_that_is_removed_is_ended_and_another_can_take_its_place() -> None:
    source = OneWorker(0, 0)
    slots = slots_of(source)
    slots.started(slots.slots[0])
    slots.remove(slots.slots[0], "full")
    assert (source.ended, slots.slots) == (1, [])
    slots.fill()
    assert [slot.name for slot in slots.slots] == ["w2"]


def test_a_worker_whose_machine_is_to_go_has_another_beside_it_at_once() -> None:
    source = OneWorker(0, 0)
    slots = slots_of(source, memory=None)
    slots.started(slots.slots[0])
    slots.fill()
    assert [slots.is_leaving(slot) for slot in slots.slots] == [False]
    source.leaving = frozenset({"0"})
    slots.fill()
    assert [(slot.name, slots.is_leaving(slot)) for slot in slots.slots] == [("w1", True), ("w2", False)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    time = Clock()
    for module in (ray_slots, back_off):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=time))
    return time


class Clock:
    """A time that only a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def seconds_until_another(slots: Slots, clock: Clock) -> float:
    """How long it takes until the slots are full again; one that asks them often is not let in sooner."""
    began, missing = clock.now, len(slots.slots)
    slots.fill()
    while len(slots.slots) == missing:
        clock.now += 0.25
        slots.refill_when_due()
    return clock.now - began


def test_each_worker_that_dies_as_it_starts_lets_the_next_one_wait_longer(clock: Clock) -> None:
    source = OneWorker(0, 0)
    source.cpus = 2
    slots = slots_of(source, memory=None)
    slots.started(slots.slots[0])
    waits = []
    for _ in range(ray_slots.MAX_FAILED_STARTS_IN_ALL - 1):
        slots.remove(slots.slots[1], "no library")
        waits.append(seconds_until_another(slots, clock))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    # The one that could start keeps the run alive for so long, and no longer.
    with pytest.raises(ClusterError, match=r"12 workers died while they started: no library.*\[E507\]"):
        slots.remove(slots.slots[1], "no library")


def test_a_worker_that_starts_ends_the_waiting(clock: Clock) -> None:
    source = OneWorker(0, 0)
    source.cpus = 2
    slots = slots_of(source, memory=None)
    for _ in range(2):
        slots.remove(slots.slots[1], "a hiccup")
        seconds_until_another(slots, clock)
    slots.started(slots.slots[1])
    slots.remove(slots.slots[0], "a hiccup")
    assert seconds_until_another(slots, clock) == 1


def test_where_no_worker_can_start_three_are_enough(clock: Clock) -> None:
    slots = slots_of(OneWorker(0, 0))
    for _ in range(2):
        slots.remove(slots.slots[0], "no library")
        seconds_until_another(slots, clock)
    with pytest.raises(ClusterError, match=r"3 workers in a row died while they started: no library.*\[E507\]"):
        slots.remove(slots.slots[0], "no library")


def test_workers_that_die_with_their_nodes_as_they_start_are_no_sign(clock: Clock) -> None:
    source = OneWorker(0, 0)
    slots = slots_of(source)
    source.is_gone = True
    for _ in range(2 * ray_slots.MAX_FAILED_STARTS_IN_ALL):
        slots.remove(slots.slots[0], "its node has died")
        assert seconds_until_another(slots, clock) == 0
    source.is_gone = False
    slots.remove(slots.slots[0], "no library")
    assert seconds_until_another(slots, clock) == 1


def test_only_what_has_room_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_slots, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(ray_slots, "START_SECONDS", 0.0)
    source = OneWorker(0, 0)
    source.cpus = 2
    slots = slots_of(source, memory=None, waits_for_room=True)
    slots.ray.wait = lambda starting, **_: ([], starting)
    slots.check_starts()
    source.with_process = [slots.slots[0].actor]
    with pytest.raises(ClusterError, match=r"no worker has started within 0 s.*\[E507\]"):
        slots.check_starts()
    slots.started(slots.slots[1])
    slots.check_starts()


def test_a_worker_that_waits_for_a_node_keeps_nobody_from_being_told_that_there_is_none(clock: Clock) -> None:
    source = OneWorker(0, 0)
    slots = slots_of(source, memory=None)
    assert slots.lack == ""
    slots.started(slots.slots[0])
    source.cpus = 2
    slots.fill()
    source.cpus = 0
    slots.remove(slots.slots[0], "its node has died")
    slots.fill()
    assert [slot.facts for slot in slots.slots] == [None]
    assert slots.lack == "no node of the cluster has room for a worker"
    source.cpus = 1
    clock.now += ray_slots.LOOK_SECONDS
    slots.refill_when_due()
    assert slots.lack == ""
