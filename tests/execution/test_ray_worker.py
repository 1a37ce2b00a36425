"""What a worker streams, without Ray: few items, and each says enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seqjobs.data.read import read_dataset
from seqjobs.execution.ray_worker import Worker, private_bytes
from seqjobs.execution.stream_items import Begun, Ended, Reported
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, history_of, weights_of

# What a worker captures goes into a file that is closed when its process ends.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


@pytest.fixture
def stream(make_points_plan: MakePlan) -> Callable[..., tuple[list[Any], Plan]]:
    """All items for packs with these learning rates, ten or `count`, in one call."""

    def made(*rates: float, start: StartFake | None = None, count: int = 10) -> tuple[list[Any], Plan]:
        choice = f"compile.optimizer.Adam.learning_rate={{choice: {[float(rate) for rate in rates]}}}"
        plan = make_points_plan(choice, f"search={{sampler: grid, repeats: {count // len(rates)}}}")
        worker = Worker(start or StartFake(), Resources())
        return list(worker.run(plan.packs, read_dataset(plan.datasets[0]), {})), plan

    return made


def test_a_short_pack_costs_one_item(stream: Callable[..., tuple[list[Any], Plan]]) -> None:
    items, plan = stream(0.1, 0.2)
    assert len(items) == len(plan.packs) + 1
    assert [[type(part) for part in item] for item in items] == [
        [Begun], *[[Reported, Ended, Begun]] * 9, [Reported, Ended]
    ]  # fmt: skip
    dataset = read_dataset(plan.datasets[0])
    for trial, (reported, ended, *_) in zip(plan.trials, items[1:], strict=True):
        history = history_of(trial, dataset)
        assert [report.metrics["loss"] for report in reported.reports] == [(value,) for value in history["loss"]]
        assert not ended.weights_follow
        ((weights,), (outcome,)) = ended.end.weights, ended.end.outcomes
        assert (outcome.trial_id, outcome.history) == (trial.id, history)
        assert [array.tobytes() for array in weights] == [array.tobytes() for array in weights_of(trial, dataset)]


def test_long_epochs_are_told_as_they_end(stream: Callable[..., tuple[list[Any], Plan]]) -> None:
    items, plan = stream(Behaviour.SLEEP, start=StartFake(sleep=0.26), count=2)
    parts = [[type(part) for part in item] for item in items]
    assert parts[:4] == [[Begun], *[[Reported]] * 3]
    assert [len(item[0].reports) for item in items[1:4]] == [1] * 3
    assert sum(len(part.reports) for item in items for part in item if isinstance(part, Reported)) == 3 * len(
        plan.packs
    )


def test_large_weights_are_an_item_of_their_own_before_the_next_pack_begins(
    stream: Callable[..., tuple[list[Any], Plan]],
) -> None:
    items, plan = stream(Behaviour.LARGE)
    assert len(items) == 3 * len(plan.packs)
    dataset = read_dataset(plan.datasets[0])
    for number, trial in enumerate(plan.trials):
        begun, (*_, ended), weights = items[3 * number : 3 * number + 3]
        assert begun == (Begun(),)
        assert (ended.weights_follow, ended.end.weights) == (True, ())
        assert [array.tobytes() for array in weights[0]] == [array.tobytes() for array in weights_of(trial, dataset)]


def test_a_worker_over_its_budget_begins_nothing_more(make_points_plan: MakePlan) -> None:
    rate = f"compile.optimizer.Adam.learning_rate={float(Behaviour.ALLOCATE)}"
    plan = make_points_plan(rate, "search.repeats=3")
    dataset, size = read_dataset(plan.datasets[0]), 64 * 2**20
    worker = Worker(StartFake(allocate=size), Resources(memory=private_bytes() + size + size // 2))
    items = list(worker.run(plan.packs, dataset, {}))
    ends = [part for item in items for part in item if isinstance(part, Ended)]
    assert [part.end.outcomes[0].trial_id for part in ends] == [trial.id for trial in plan.trials[:2]]
    assert ends[1].private_bytes - ends[0].private_bytes >= size // 2
    assert list(worker.run(plan.packs, dataset, {})) == []


def test_a_runner_that_raises_loses_its_pack_and_no_other(stream: Callable[..., tuple[list[Any], Plan]]) -> None:
    items, plan = stream(0.1, Behaviour.RAISE)
    ends = [part.end for item in items for part in item if isinstance(part, Ended)]
    raised = [Behaviour.RAISE in trial.hyperparameters.values() for trial in plan.trials]
    assert [end.failure is not None for end in ends] == raised
    failures = [end.failure for end in ends if end.failure is not None]
    assert {failure.message for failure in failures} == {"RuntimeError: a runner that raises"}
    assert all("_begin" in failure.traceback for failure in failures)
