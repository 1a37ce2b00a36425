"""Workers with a part of a GPU, on a node that says it has one."""

from __future__ import annotations

import pytest

from seqjobs.execution.events import AttemptEnded, WorkerStarted
from seqjobs.execution.ray_pool import RayPool
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import StartFake

pytestmark = [pytest.mark.ray, pytest.mark.slow]

UNITS = "model.0.Dense.units={choice: [1, 2, 3, 4]}"


def test_two_workers_with_half_a_gpu_share_it_and_know_their_part(
    make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_OVERRIDE_RESOURCES", '{"GPU": 1}')
    plan = make_points_plan(UNITS, "search.sampler=grid", "resources.gpus=0.5", "fit.epochs=3")
    assert [trial.id for trial in plan.trials] == [
        trial.id for trial in make_points_plan(UNITS, "search.sampler=grid", "fit.epochs=3").trials
    ]
    with RayPool({plan.packs[0].resources: 4}, workers=2, start=StartFake(epoch_seconds=0.1)) as pool:
        pool.load(plan.datasets)
        events = list(pool.run(plan.packs, {}))
    started = [event for event in events if isinstance(event, WorkerStarted)]
    assert [event.devices for event in started] == [("fake:1", "0.5 of GPU 0")] * 2
    assert len([event for event in events if isinstance(event, AttemptEnded)]) == len(plan.packs)
