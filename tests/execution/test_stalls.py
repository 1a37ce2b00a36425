"""Workers that hang or are stopped: RayPool with real Ray, real processes and fake training."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from seqjobs.execution import stall_watch
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    EpochEnded,
    Event,
    Waiting,
    WorkerLost,
    WorkerStarted,
)
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.results.progress import Standing
from seqjobs.results.run import Run
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from seqjobs.training.outcome import Cause
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.runs import Watcher
from tests.fixtures.warm_pool import Warm

pytestmark = [pytest.mark.ray, pytest.mark.slow]


PIDS: dict[str, int] = {}
"""Of the workers that live: they outlive a test, and are told of once."""


@pytest.fixture(scope="module")
def pool(notes: Path) -> Iterator[RayPool]:
    with RayPool({Resources(): 1000}, workers=2, start=StartFake(notes=notes)) as entered:
        yield entered


def rates(*values: float) -> str:
    """Trials of one program, one for each learning rate; some values are behaviours."""
    return f"compile.optimizer.Adam.learning_rate={{choice: {[float(value) for value in values]}}}"


def trials_with(plan: Plan, behaviour: Behaviour) -> set[str]:
    return {trial.id for trial in plan.trials if behaviour in trial.hyperparameters.values()}


def of(kind: type, events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def carried_out(
    pool: RayPool, plan: Plan, root: Path, look: Callable[[Event], None] = lambda _: None
) -> tuple[Run, list[Event]]:
    """The run, and all its events; `look` sees each as it comes."""
    events: list[Event] = []

    def note(event: Event, _standing: Standing) -> None:
        events.append(event)
        if isinstance(event, WorkerStarted):
            PIDS[event.worker] = event.pid
        look(event)

    return run_job(plan.table, Warm(pool), LocalStore(root), Watcher(note)), events


def trained(notes: Path, plan: Plan, word: str = "begun") -> Counter[str]:
    ids = {trial.id for trial in plan.trials}
    return Counter(trial for trial in trainings(notes, word) if trial in ids)


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_a_worker_that_hangs_is_replaced_and_only_the_trial_it_was_at_is_charged(
    pool: RayPool, make_points_plan: MakePlan, notes: Path, tmp_path: Path
) -> None:
    values = [0.001 * number for number in range(1, 41)]
    plan = make_points_plan(
        rates(*values[:20], Behaviour.SLEEP_ONCE, *values[20:]), "search.sampler=grid", "limits.stall=3s", "name=hangs"
    )
    run, events = carried_out(pool, plan, tmp_path / "run")
    (culprit,) = trials_with(plan, Behaviour.SLEEP_ONCE)
    assert run.num_finished == len(plan.trials)
    assert trained(notes, plan) == {trial.id: 1 + (trial.id == culprit) for trial in plan.trials}
    (lost,) = [event for event in of(AttemptLost, events) if event.charged]
    assert lost.pack_id == next(pack.id for pack in plan.packs if pack.trials[0].id == culprit)
    assert (lost.failure.cause, lost.final) == (Cause.CRASH, False)
    assert "no epoch ended for 3 s, limits.stall" in lost.failure.message
    (gone,) = of(WorkerLost, events)
    assert gone.worker == lost.worker
    assert gone.reason.startswith("stalled, ")
    assert wait_until(lambda: not psutil.pid_exists(PIDS[gone.worker]))


def test_a_trial_that_hangs_whenever_it_is_tried_fails_and_says_which_limit_to_change(
    pool: RayPool, make_points_plan: MakePlan, tmp_path: Path
) -> None:
    plan = make_points_plan(
        rates(0.1, Behaviour.SLEEP, 0.2), "search.sampler=grid", "limits={stall: 3s, retries: 1}", "name=always"
    )
    run, events = carried_out(pool, plan, tmp_path / "run")
    assert [(event.attempt, event.final) for event in of(AttemptLost, events) if event.charged] == [
        (1, False),
        (2, True),
    ]
    assert (run.num_finished, run.num_failed) == (2, 1)
    message = "crash: its worker stalled: no epoch ended for 3 s, limits.stall (of the spec); set a longer time, or off"
    assert run.leaderboard.entries[-1].failure.startswith(message)
    assert message in run.trial_log(*trials_with(plan, Behaviour.SLEEP))


def test_a_trial_that_hangs_in_an_epoch_fails_by_its_time_and_is_not_tried_again(
    pool: RayPool, make_points_plan: MakePlan, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stall_watch, "LEAST_SECONDS_OVER", 0.5)
    plan = make_points_plan(
        rates(0.1, Behaviour.SLEEP, 0.2), "search.sampler=grid", "limits={trial_time: 1s, retries: 5}", "name=overdue"
    )
    run, events = carried_out(pool, plan, tmp_path / "run")
    (culprit,) = trials_with(plan, Behaviour.SLEEP)
    assert (run.num_finished, run.num_failed) == (2, 1)
    failure = run.records[culprit].failure
    assert failure is not None
    assert (failure.cause, failure.message) == (
        Cause.TIME,
        "it trained longer than limits.trial_time, 1 s, and was ended with its worker",
    )
    assert trained(notes, plan)[culprit] == 1
    (gone,) = of(WorkerLost, events)
    assert wait_until(lambda: not psutil.pid_exists(PIDS[gone.worker]))


def test_a_stopped_worker_is_replaced_and_does_no_harm_when_it_is_woken(
    pool: RayPool, make_points_plan: MakePlan, notes: Path, tmp_path: Path
) -> None:
    """Two trials that need several times the limit, and go on all the time: but one of them is stopped."""
    plan = make_points_plan(rates(Behaviour.SLOW), "search.repeats=2", "fit.epochs=30", "limits.stall=3s", "name=stops")
    stopped: list[EpochEnded] = []

    def stop(event: Event) -> None:
        if isinstance(event, EpochEnded) and not stopped:
            stopped.append(event)
            os.kill(PIDS[event.worker], signal.SIGSTOP)
        elif isinstance(event, AttemptStarted) and stopped and event.pack_id == stopped[0].pack_id:
            with suppress(ProcessLookupError):
                os.kill(PIDS[stopped[0].worker], signal.SIGCONT)

    run, events = carried_out(pool, plan, tmp_path / "run", stop)
    lost = of(AttemptLost, events)
    assert [(event.pack_id, event.charged) for event in lost] == [(stopped[0].pack_id, True)]
    assert run.num_finished == 2
    assert sorted(event.attempt for event in of(AttemptEnded, events)) == [1, 2]
    assert wait_until(lambda: not psutil.pid_exists(PIDS[stopped[0].worker]))
    # Woken, it went on with nothing.
    assert trained(notes, plan, "ended") == Counter(trial.id for trial in plan.trials)


def test_a_worker_that_somebody_else_ends_is_replaced(
    pool: RayPool, make_points_plan: MakePlan, notes: Path, tmp_path: Path
) -> None:
    """As `ray.kill` does, which whoever is on the cluster may call."""
    plan = make_points_plan(rates(Behaviour.SLOW), "search.repeats=3", "fit.epochs=10", "name=ended")
    ended: list[EpochEnded] = []

    def end(event: Event) -> None:
        if isinstance(event, EpochEnded) and not ended:
            ended.append(event)
            slots = pool._any_slots()
            slots.ray.kill(next(slot.actor for slot in slots.slots if slot.name == event.worker))

    run, events = carried_out(pool, plan, tmp_path / "run", end)
    (lost,) = [event for event in of(AttemptLost, events) if event.charged]
    assert (lost.pack_id, lost.failure.cause, lost.final) == (ended[0].pack_id, Cause.CRASH, False)
    assert "ray.kill" in lost.failure.message
    assert run.num_finished == 3
    assert max(trained(notes, plan, "ended").values()) == 1


def test_a_pack_whose_members_train_one_by_one_goes_on_without_reports(
    pool: RayPool, make_points_plan: MakePlan, tmp_path: Path
) -> None:
    """A member takes 0.3 s here, the pack more than the limit."""
    plan = make_points_plan(
        rates(Behaviour.APART, *[0.1 * step for step in range(1, 8)]),
        "search.sampler=grid",
        "fit.pack=8",
        "limits.stall=2s",
        "name=apart",
    )
    (pack,) = plan.packs
    assert len(pack.trials) == 8
    run, events = carried_out(pool, plan, tmp_path / "run")
    assert of(AttemptLost, events) == []
    assert of(EpochEnded, events) == []
    assert run.num_finished == 8


class EnoughError(Exception):
    """Ends a run from within."""


@pytest.mark.parametrize(("stall", "replaced"), [("off", False), ("auto", True)])
def test_off_watches_nobody(
    pool: RayPool,
    make_points_plan: MakePlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stall: str,
    replaced: bool,
) -> None:
    monkeypatch.setattr(stall_watch, "LEAST_SECONDS", 1.0)
    plan = make_points_plan(rates(Behaviour.SLEEP), f"limits.stall={stall}", f"name={stall}")
    events: list[Event] = []

    def look(event: Event) -> None:
        if isinstance(event, AttemptStarted | WorkerLost) or (
            of(AttemptStarted, events) and isinstance(event, Waiting)
        ):
            events.append(event)
        # Each of them is a look at silent workers, most of them a tenth of a second behind the one before.
        if len(events) > 40 or isinstance(event, WorkerLost):
            raise EnoughError

    with pytest.raises(EnoughError):
        carried_out(pool, plan, tmp_path / "run", look)
    assert bool(of(WorkerLost, events)) == replaced
