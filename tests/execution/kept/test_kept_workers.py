"""The workers of a kept cluster by themselves, with a Ray that is told what becomes of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from seqjobs.execution import back_off
from seqjobs.execution.kept import workers
from seqjobs.execution.kept.workers import MAX_FAILED_STARTS, KeptWorkers
from seqjobs.execution.ray_worker import WorkerFacts
from seqjobs.execution.worker_source import StartedWorker
from tests.fixtures.fake_runner import StartFake

FACTS = WorkerFacts(node="n", node_ids=("0",), pid=1, devices=(), versions=(), private_bytes=1, num_packs=0)


class RayError(Exception):
    """As Ray's."""


class OneCpu:
    """A Ray of one CPU whose actors have all answered, or died, as soon as they are looked at."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self) -> None:
        self.started = 0
        self.dies = True

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": "0", "Alive": True, "Resources": {"CPU": 1.0}}]

    def wait(self, references: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return references, []

    def get(self, _reference: Any) -> WorkerFacts:
        if self.dies:
            raise RayError
        return FACTS


class Clock:
    """A time that only a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    time = Clock()
    monkeypatch.setattr(back_off, "time", SimpleNamespace(monotonic=time))
    return time


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> OneCpu:
    found = OneCpu()

    def start_worker(ray: OneCpu, *_: Any, **__: Any) -> Any:
        ray.started += 1
        number = ray.started
        return StartedWorker(actor=SimpleNamespace(facts=SimpleNamespace(remote=lambda: f"facts {number}")))

    monkeypatch.setattr(workers, "start_worker", start_worker)
    return found


def test_a_worker_that_dies_as_it_starts_lets_the_next_one_wait_longer(ray: OneCpu, clock: Clock) -> None:
    kept = KeptWorkers(ray, StartFake(), 1)
    waits, died = [], clock.now
    for _ in range(MAX_FAILED_STARTS):
        started = ray.started
        while ray.started == started:
            assert not kept.wants_more or clock.now >= died
            kept.fill()
            clock.now += 0.25
        waits.append(clock.now - 0.25 - died)
        kept.look()
        died = clock.now
        assert not kept.wants_more
    assert waits == [0, 1, 2]
    assert kept.failed_starts == MAX_FAILED_STARTS


def test_one_that_starts_ends_the_waiting(ray: OneCpu, clock: Clock) -> None:
    kept = KeptWorkers(ray, StartFake(), 1)
    kept.fill()
    kept.look()
    clock.now += 1
    ray.dies = False
    kept.fill()
    kept.look()
    assert (kept.is_warm, kept.failed_starts) == (True, 0)
