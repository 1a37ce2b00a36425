"""RayPool with real Ray, real processes and fake training: what is sent where, and what becomes of it.

One cluster for the whole module; its workers take notes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution import ray_pool, stopping
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptPlanned,
    AttemptsPlanned,
    AttemptStarted,
    CheckpointTaken,
    EpochEnded,
    Event,
    WorkerLost,
    WorkerReplaced,
    WorkerStarted,
)
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.ray_pool import RayPool
from seqjobs.execution.retry import Tries
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.planning.trial import Pack
from seqjobs.results.progress import Standing
from seqjobs.results.run import Run, RunStatus
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from seqjobs.training.outcome import Cause, PackCheckpoint
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.runs import Watcher
from tests.fixtures.warm_pool import Warm

pytestmark = [pytest.mark.ray, pytest.mark.slow]


MIB = 2**20
LEFT_BEHIND = 200 * MIB
KNOBS = StartFake(allocate=LEFT_BEHIND)

WORKERS: dict[str, WorkerStarted] = {}
"""Those of the pool that live: they outlive a test, and are told of once."""


@pytest.fixture(scope="module")
def pool(notes: Path) -> Iterator[RayPool]:
    with RayPool({Resources(): 1000}, workers=2, start=replace(KNOBS, notes=notes)) as entered:
        yield entered


def note(event: Event) -> Event:
    if isinstance(event, WorkerStarted):
        WORKERS[event.worker] = event
    elif isinstance(event, WorkerLost | WorkerReplaced):
        WORKERS.pop(event.worker, None)
    return event


def noted(events: Generator[Event, None, None]) -> Iterator[Event]:
    with closing(events):
        for event in events:
            yield note(event)


def run(pool: RayPool, plan: Plan, packs: Sequence[Pack] | None = None) -> list[Event]:
    pool.load(plan.datasets)
    return list(noted(pool.run(plan.packs if packs is None else packs, {})))


def rates(*values: float) -> str:
    """Trials of one program, one for each learning rate; some values are behaviours."""
    return f"compile.optimizer.Adam.learning_rate={{choice: {[float(value) for value in values]}}}"


def of(kind: type, events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def planned(events: Sequence[Event]) -> list[AttemptPlanned]:
    return [attempt for event in of(AttemptsPlanned, events) for attempt in event.attempts]


def counts(notes: Path, plan: Plan, word: str = "begun") -> Counter[str]:
    """How often each trial of the plan was trained."""
    ids = {trial.id for trial in plan.trials}
    return Counter(trial for trial in trainings(notes, word) if trial in ids)


Story = list[tuple[Any, ...]]


def stories(events: Iterator[Event]) -> dict[str, Story]:
    """What is told of each pack, without what must differ from one run to the next: workers, times, tracebacks."""
    found: dict[str, Story] = {}
    for event in events:
        if isinstance(event, AttemptsPlanned):
            for attempt in event.attempts:
                found.setdefault(attempt.pack_id, []).append(("planned", attempt.attempt))
        elif isinstance(event, AttemptStarted | EpochEnded | AttemptEnded | AttemptLost):
            found.setdefault(event.pack_id, []).extend(lines(event))
    return found


def lines(event: AttemptStarted | EpochEnded | AttemptEnded | AttemptLost) -> Iterator[tuple[Any, ...]]:
    match event:
        case AttemptStarted():
            yield "started", event.attempt
        case EpochEnded():
            yield from (("epoch", event.attempt, report) for report in event.reports)
        case AttemptEnded():
            for member in event.members:
                weights = [(array.dtype, array.tobytes()) for array in member.fetch_weights()]
                yield "ended", event.attempt, replace(member.outcome, seconds=0.0), weights
        case AttemptLost():
            failure = replace(event.failure, traceback=event.failure.traceback.splitlines()[-1:][0])
            yield "lost", event.attempt, failure, event.charged, event.final, event.log


EXTRAORDINARY = (
    *(Behaviour.SPEC, Behaviour.DATA, Behaviour.NAN, Behaviour.TIME, Behaviour.OUT_OF_MEMORY, Behaviour.CRASH),
    *(Behaviour.RAISE, Behaviour.FAIL_ONCE, Behaviour.NAN_VALUE, Behaviour.LARGE),
)


def test_both_executors_tell_the_same_of_every_pack(pool: RayPool, make_points_plan: MakePlan, tmp_path: Path) -> None:
    behaviours = rates(0.1, *EXTRAORDINARY, 0.2)
    plan = make_points_plan(behaviours, "search={sampler: grid, repeats: 2}", "name=both")
    pool.load(plan.datasets)
    # Now: weights can be fetched only while their event is handled.
    found = stories(noted(pool.run(plan.packs, {})))
    with InProcess(start=replace(KNOBS, notes=tmp_path / "notes")) as executor:
        executor.load(plan.datasets)
        expected = stories(executor.run(plan.packs, {}))
    assert set(expected) == {pack.id for pack in plan.packs}
    # NaN is not equal to itself, and is written alike.
    assert {pack: repr(story) for pack, story in found.items()} == {
        pack: repr(story) for pack, story in expected.items()
    }


def test_a_pack_that_died_too_often_before_is_refused_by_both(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = make_points_plan(rates(0.1, 0.2), "search.sampler=grid", "limits.retries=1", "name=refused")
    tries = {plan.packs[0].id: Tries(charged=2)}
    pool.load(plan.datasets)
    with InProcess(start=KNOBS) as executor:
        executor.load(plan.datasets)
        for events in (list(noted(pool.run(plan.packs, tries))), list(executor.run(plan.packs, tries))):
            (lost,) = of(AttemptLost, events)
            assert (lost.pack_id, lost.attempt, lost.charged, lost.final) == (plan.packs[0].id, 2, False, True)
            assert [attempt.pack_id for attempt in planned(events)] == [plan.packs[1].id]


def test_what_was_at_work_when_a_driver_died_begins_last_and_suspects_alone(
    pool: RayPool, make_points_plan: MakePlan
) -> None:
    plan = make_points_plan(rates(0.1, 0.2, 0.3), "search={sampler: grid, repeats: 4}", "name=suspects")
    suspects, (further, *_) = {pack.id for pack in plan.packs[:3]}, plan.packs[3:]
    tries = {**dict.fromkeys(suspects, Tries(with_driver=1, is_suspect=True)), further.id: Tries(with_driver=2)}
    pool.load(plan.datasets)
    under_way, begun = set[str](), list[str]()
    for event in noted(pool.run(plan.packs, tries)):
        if isinstance(event, AttemptsPlanned):
            for attempt in event.attempts:
                assert attempt.alone == (attempt.pack_id in suspects)
                assert not (attempt.alone and under_way)
                under_way.add(attempt.pack_id)
                begun.append(attempt.pack_id)
        elif isinstance(event, AttemptEnded):
            under_way.remove(event.pack_id)
    assert len(begun) == len(plan.packs)
    assert begun[-4] == further.id
    assert set(begun[-3:]) == suspects


def test_short_packs_share_calls_and_each_is_told_for_itself(
    pool: RayPool, make_points_plan: MakePlan, notes: Path
) -> None:
    plan = make_points_plan(
        "model.0.Dense.units={choice: [4, 8]}", "search={sampler: grid, repeats: 200}", "name=short"
    )
    events = run(pool, plan)
    ids = sorted(pack.id for pack in plan.packs)
    assert sorted(attempt.pack_id for attempt in planned(events)) == ids
    for kind in (AttemptStarted, EpochEnded, AttemptEnded):
        assert sorted({event.pack_id for event in of(kind, events)}) == ids
    assert set(counts(notes, plan).values()) == {1}
    sizes = [len(event.attempts) for event in of(AttemptsPlanned, events)]
    assert len(sizes) < len(plan.packs) / 4
    assert max(sizes) <= len(plan.packs) / 2  # the queue is shared


def test_what_a_pack_waits_for_is_what_runs_before_it(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = make_points_plan(rates(0.1), "search={sampler: grid, repeats: 100}", "name=behind")
    events = run(pool, plan)
    behind = {attempt.pack_id: attempt for attempt in planned(events)}
    ended: dict[str, list[str]] = {}
    known: set[str] = set()
    for event in events:
        if isinstance(event, AttemptsPlanned):
            known.update(attempt.pack_id for attempt in event.attempts)
        elif isinstance(event, AttemptStarted):
            assert event.pack_id in known
            before = ended.setdefault(event.worker, [])
            # It was told to wait for the one that ended last, or for none where the worker was idle.
            assert behind[event.pack_id].behind in (None, *before[-1:])
            before.append(event.pack_id)
    assert sum(attempt.behind is not None for attempt in behind.values()) > 50


def test_packs_keep_to_workers_that_hold_their_program(pool: RayPool, make_points_plan: MakePlan) -> None:
    units = "model.0.Dense.units={choice: [4, 8, 16, 32]}"
    plan = make_points_plan(units, "search={sampler: grid, repeats: 30}", "name=routed")
    programs = {pack.id: pack.program_key for pack in plan.packs}
    order: dict[str, list[str]] = {}
    for event in of(AttemptStarted, run(pool, plan)):
        order.setdefault(event.worker, []).append(programs[event.pack_id])
    changes = sum(a != b for keys in order.values() for a, b in pairwise(keys))
    # Each of the four is begun once; then there is only helping at the end.
    assert changes <= 4 + 2 * len(order)


def test_what_a_pack_prints_is_in_its_log_and_in_no_others(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = make_points_plan(rates(0.1, Behaviour.PRINT), "search={sampler: grid, repeats: 20}", "name=prints")
    members = [member.outcome for event in of(AttemptEnded, run(pool, plan)) for member in event.members]
    assert len(members) == 40
    loud = {trial.id for trial in plan.trials if Behaviour.PRINT in trial.hyperparameters.values()}
    for outcome in members:
        printed = f"trial {outcome.trial_id} prints\n" if outcome.trial_id in loud else ""
        assert outcome.log == f"trial {outcome.trial_id} was faked\n{printed}"


def test_a_worker_that_dies_among_short_packs_takes_only_the_one_it_was_at(
    pool: RayPool, make_points_plan: MakePlan, notes: Path
) -> None:
    values = [0.01 * number for number in range(1, 60)]
    poison = rates(*values[:30], Behaviour.EXIT_ONCE, *values[30:])
    plan = make_points_plan(poison, "search={sampler: grid, repeats: 2}", "name=dies")
    events = run(pool, plan)
    lost = of(AttemptLost, events)
    culprits = {pack.id for pack in plan.packs if Behaviour.EXIT_ONCE in pack.trials[0].hyperparameters.values()}
    assert {event.pack_id for event in lost if event.charged} == culprits
    assert all(event.failure.cause is Cause.CRASH for event in lost if event.charged)
    assert {event.failure.cause for event in lost if not event.charged} <= {Cause.INFRASTRUCTURE}
    assert not any(event.final for event in lost)
    assert len(of(WorkerLost, events)) == 2
    ended = [event.pack_id for event in of(AttemptEnded, events)]
    assert sorted(ended) == sorted(pack.id for pack in plan.packs)
    begun = counts(notes, plan)
    assert {trial: times for trial, times in begun.items() if times > 1} == {
        trial.id: 2 for pack in plan.packs if pack.id in culprits for trial in pack.trials
    }
    # What waited behind them was given to others under the same number, since nobody charged it.
    numbers = {(attempt.pack_id, attempt.attempt) for attempt in planned(events)}
    assert {pack_id for pack_id, number in numbers if number > 1} == culprits


def test_a_trial_that_kills_every_worker_fails_and_the_others_finish(
    pool: RayPool, make_points_plan: MakePlan, notes: Path
) -> None:
    plan = make_points_plan(rates(0.1, Behaviour.EXIT, 0.2), "search.sampler=grid", "limits.retries=1", "name=poison")
    events = run(pool, plan)
    lost = [(event.attempt, event.final) for event in of(AttemptLost, events) if event.charged]
    assert lost == [(1, False), (2, True)]
    assert len(of(AttemptEnded, events)) == 2
    assert sorted(counts(notes, plan).values()) == [1, 1, 2]


def test_of_a_pack_the_member_that_kills_its_workers_fails_alone(
    pool: RayPool, make_points_plan: MakePlan, notes: Path
) -> None:
    plan = make_points_plan(
        rates(0.1, 0.2, Behaviour.EXIT, 0.4), "search.sampler=grid", "limits.retries=0", "name=together", "fit.pack=4"
    )
    (pack,) = plan.packs
    events = run(pool, plan, [pack])
    lost = [(event.split, event.final) for event in of(AttemptLost, events) if event.charged]
    assert lost == [(True, False), (True, False), (False, True)]
    finished = [member.outcome.trial_id for event in of(AttemptEnded, events) for member in event.members]
    assert sorted(finished) == sorted(trial.id for trial in pack.trials if trial is not pack.trials[2])
    assert counts(notes, plan, "ended") == Counter(finished)


def test_what_ran_out_of_memory_is_tried_again_alone(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = make_points_plan(rates(Behaviour.OUT_OF_MEMORY, 0.1, 0.2), "search={sampler: grid, repeats: 2}")
    events = run(pool, plan)
    again = [index for index, event in enumerate(events) if isinstance(event, AttemptStarted) and event.attempt == 2]
    assert [type(event) for event in events[again[0] :] if isinstance(event, AttemptStarted | AttemptEnded)] == [
        AttemptStarted
    ] * 2
    assert [event.final for event in of(AttemptLost, events[again[0] :])] == [True] * 2
    assert any(isinstance(event, AttemptLost) for event in events[again[0] : again[1]]), "the two are not tried at once"


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def sleeping_plan(make_points_plan: MakePlan, name: str) -> Plan:
    return make_points_plan(rates(Behaviour.SLEEP), "search={sampler: grid, repeats: 4}", f"name={name}")


def test_closing_the_events_ends_what_runs_and_the_pool_goes_on(pool: RayPool, make_points_plan: MakePlan) -> None:
    run(pool, make_points_plan("search.repeats=20", "name=warm"))
    plan = sleeping_plan(make_points_plan, "closed")
    pool.load(plan.datasets)
    busy: dict[str, int] = {}
    with closing(pool.run(plan.packs, {})) as events:
        while len(busy) < 2:
            event = note(next(events))
            if isinstance(event, AttemptStarted):
                busy[event.worker] = WORKERS[event.worker].pid
    assert wait_until(lambda: not any(map(psutil.pid_exists, busy.values())))
    again = make_points_plan(rates(0.1, 0.2), "search.sampler=grid", "name=after")
    assert len(of(AttemptEnded, run(pool, again))) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a bug in a view")])
def test_an_error_while_packs_run_ends_them(
    pool: RayPool, make_points_plan: MakePlan, tmp_path: Path, error: BaseException
) -> None:
    plan = sleeping_plan(make_points_plan, type(error).__name__.lower())
    busy: list[int] = []

    def stop(event: Event, _standing: Standing) -> None:
        note(event)
        if isinstance(event, AttemptStarted):
            busy.append(WORKERS[event.worker].pid)
            raise error

    with pytest.raises(type(error)):
        run_job(plan.table, Warm(pool), LocalStore(tmp_path / "run"), Watcher(stop))
    assert len(busy) == 1
    assert wait_until(lambda: not psutil.pid_exists(busy[0]))
    again = make_points_plan("name=after-an-error")
    assert len(of(AttemptEnded, run(pool, again))) == 1


def test_the_end_of_the_run_time_stops_what_runs(pool: RayPool, make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan(rates(Behaviour.SLEEP), "limits.run_time=1", "name=out-of-time")
    found = run_job(plan.table, Warm(pool), LocalStore(tmp_path / "run"), Watcher())
    assert (found.status, len(found.records)) == (RunStatus.INTERRUPTED, 0)


def test_workers_that_are_asked_to_end_save_what_they_are_at_and_begin_nothing_more(
    pool: RayPool, make_points_plan: MakePlan, notes: Path
) -> None:
    plan = make_points_plan(rates(Behaviour.SLOW), "search.repeats=8", "fit.epochs=7", "name=asked")
    pool.load(plan.datasets)
    saved: dict[str, PackCheckpoint] = {}
    told: Counter[str] = Counter()
    busy: set[str] = set()
    for event in noted(pool.run(plan.packs, {}, saved.get, lambda: len(told) == 2)):
        if isinstance(event, EpochEnded):
            told[event.pack_id] += len(event.reports)
            busy.add(event.worker)
        elif isinstance(event, CheckpointTaken):
            assert event.checkpoint.epochs == told[event.pack_id]
            saved[event.pack_id] = event.checkpoint
        assert not isinstance(event, AttemptEnded | AttemptLost | WorkerLost)
    assert set(saved) == set(told)
    assert len(busy) == 2
    assert sum(counts(notes, plan).values()) == 2
    # The workers live, and know that another run is none of that.
    assert all(psutil.pid_exists(WORKERS[worker].pid) for worker in busy)
    packs = [pack for pack in plan.packs if pack.id in saved]
    events = list(noted(pool.run(packs, {}, saved.get)))
    assert sorted(event.pack_id for event in of(AttemptEnded, events)) == sorted(saved)
    assert of(WorkerStarted, events) == []
    for event in of(EpochEnded, events):
        told[event.pack_id] += len(event.reports)
    assert set(told.values()) == {7}


def test_an_epoch_that_does_not_end_in_time_is_ended(
    pool: RayPool, make_points_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "MOST_SECONDS", 0.5)
    plan, stop = sleeping_plan(make_points_plan, "endless"), stopping.StopRequest()
    busy: list[int] = []

    def ask(event: Event, _standing: Standing) -> None:
        note(event)
        if isinstance(event, AttemptStarted):
            busy.append(WORKERS[event.worker].pid)
            assert stop.request()

    root = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_job(plan.table, Warm(pool), LocalStore(root), Watcher(ask), stop)
    assert busy
    assert wait_until(lambda: not any(map(psutil.pid_exists, busy)))
    assert Run.open(root).status is RunStatus.INTERRUPTED


def test_a_worker_over_its_memory_is_replaced_between_trials(
    pool: RayPool, make_points_plan: MakePlan, notes: Path, tmp_path: Path
) -> None:
    budget = pool.describe().private_bytes + LEFT_BEHIND // 2
    search = (rates(Behaviour.ALLOCATE), "search={sampler: grid, repeats: 5}", "name=memory")
    plan = make_points_plan(*search, f"resources.memory={budget}")
    events: list[Event] = []
    watcher = Watcher(lambda event, _standing: events.append(note(event)))
    found = run_job(plan.table, Warm(pool), LocalStore(tmp_path / "run"), watcher)
    assert found.num_finished == 5
    assert counts(notes, plan) == Counter(trial.id for trial in plan.trials)  # each once
    replaced = of(WorkerReplaced, events)
    # Each trial filled its worker; the last ones had nobody after them.
    assert 3 <= len(replaced) <= 4
    assert all(event.budget == budget < event.private_bytes for event in replaced)
    assert not any(event.charged for event in of(AttemptLost, events))
    assert Run.open(found.path).replaced_workers == tuple(replaced)
    pids = {event.worker: event.pid for event in of(WorkerStarted, events)}
    assert wait_until(lambda: not any(psutil.pid_exists(pids[event.worker]) for event in replaced))


def with_memory(plan: Plan, memory: int) -> Plan:
    packs = (replace(pack, resources=replace(pack.resources, memory=memory)) for pack in plan.packs)
    return replace(plan, packs=tuple(packs))


def test_workers_that_never_come_to_their_budget_are_left_alone(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = with_memory(make_points_plan("search.repeats=20", "name=modest"), 2048 * MIB)
    events = run(pool, plan)
    assert len(of(AttemptEnded, events)) == 20
    assert of(WorkerReplaced, events) == []


def test_a_budget_that_no_worker_can_keep_is_an_error_at_once(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = with_memory(make_points_plan("name=tiny"), MIB)
    with pytest.raises(ClusterError, match=r" the 1 MiB of its budget.*\[E511\]"):
        run(pool, plan)


def test_a_model_that_no_worker_writes_in_time_does_not_keep_a_run_from_its_end(
    pool: RayPool, make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "EXPORT_SECONDS", -1.0)
    trial = make_points_plan().trials[0]
    with pytest.raises(ClusterError, match=rf"no worker has written the model of trial {trial.id}.*\[E519\]"):
        pool.export(trial, (6,), ())


def test_more_memory_than_the_cluster_has_is_refused(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = with_memory(make_points_plan("name=huge"), 2**60)
    with pytest.raises(ClusterError, match=r"a worker needs 1 CPUs and 0 GPUs and .* MiB of memory.*\[E506\]"):
        run(pool, plan)
