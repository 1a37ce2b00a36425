"""The collector: what is counted is durable, and exactly the best weights stay."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqjobs.errors import StorageError
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptPlanned,
    AttemptsPlanned,
    CheckpointTaken,
    Member,
    Waiting,
    WorkerReplaced,
)
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.results import run_log
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.collector import Collector
from seqjobs.results.kept_best import KeptBest
from seqjobs.results.leaderboard import kept_trials, rank, rank_jobs
from seqjobs.results.log_records import LogState, fold
from seqjobs.results.record import TrialRecord
from seqjobs.results.run_log import RunLog, read_log
from seqjobs.results.weights import WeightsStore
from seqjobs.store import durable
from seqjobs.training.outcome import Cause, Failure, PackCheckpoint, TrialOutcome, Weights
from tests.conftest import MakePlan
from tests.fixtures.run_paths import RunPaths

from .test_leaderboard import LEAST, record
from .test_leaderboard import trial as stored_trial

MakeCollector = Callable[..., Collector]


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    paths = RunPaths(root=tmp_path / "run")
    for folder in (paths.log, paths.weights, paths.trial_logs):
        durable.make_folder(folder)
    return paths


@pytest.fixture
def make_collector(paths: RunPaths) -> MakeCollector:
    """A collector over what the log has by now."""

    def make(plan: Plan) -> Collector:
        records, following = read_log(paths.store)
        store = paths.store
        log = RunLog(store, next_number=following)
        return Collector(plan, store, log, fold(records), CheckpointStore(store))

    return make


@pytest.fixture
def plan(make_points_plan: MakePlan) -> Plan:
    return make_points_plan(
        "model.0.Dense.units={choice: [1, 2, 3, 4, 5]}", "search.sampler=grid", "keep.best=2", "fit.epochs=2"
    )


def weights_of(number: float) -> Weights:
    return np.full((2, 2), number, dtype=np.float32), np.array(number)


def ended(
    pack: Pack, value: float | None, fetched: list[str] | None = None, failure: Failure | None = None
) -> AttemptEnded:
    """All members with that `val_loss` in the last epoch and weights of their own; None fails them."""
    members = []
    for trial in pack.trials:
        failed = failure or (Failure(cause=Cause.NAN, message="nan") if value is None else None)
        history = {"loss": (1.0, 1.0), "val_loss": (9.0, 9.0 if value is None else value)}
        outcome = TrialOutcome(
            trial_id=trial.id, history=history, weights_epoch=1, seconds=1.0, failure=failed, log="hello\n"
        )

        def fetch(trial_id: str = trial.id) -> Weights:
            if fetched is not None:
                fetched.append(trial_id)
            return weights_of(int(trial_id, 16) % 1000)

        members.append(Member(outcome=outcome, fetch_weights=fetch))
    return AttemptEnded(pack_id=pack.id, attempt=1, worker="w", members=tuple(members))


def planned(*packs: Pack) -> AttemptsPlanned:
    attempts = (AttemptPlanned(pack_id=pack.id, attempt=1, worker="w", behind=None) for pack in packs)
    return AttemptsPlanned(attempts=tuple(attempts))


def test_starts_are_durable_when_they_have_been_handled(
    plan: Plan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    make_collector(plan).handle(planned(*plan.packs[:2]))
    assert [record["pack"] for record in read_log(paths.store)[0]] == [pack.id for pack in plan.packs[:2]]
    assert len(list(paths.log.iterdir())) == 1


def test_a_trial_counts_once_it_is_durable(plan: Plan, paths: RunPaths, make_collector: MakeCollector) -> None:
    collector = make_collector(plan)
    collector.handle(ended(plan.packs[0], 0.5))
    collector.handle(ended(plan.packs[1], None))
    assert (collector.standing.finished, collector.standing.failed, dict(collector.standing.records)) == (0, 0, {})
    assert read_log(paths.store) == ([], 1)
    collector.commit()
    assert (collector.standing.finished, collector.standing.failed, collector.standing.total) == (1, 1, 5)
    assert set(fold(read_log(paths.store)[0]).records) == set(collector.standing.records)
    again = make_collector(plan)
    assert (again.standing.finished, again.standing.failed, again.standing.resumed) == (1, 1, 2)


def test_records_that_waited_long_enough_are_committed_by_whatever_happens_next(
    plan: Plan, make_collector: MakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 5.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    collector = make_collector(plan)
    collector.handle(ended(plan.packs[0], 0.5))
    collector.handle(Waiting())
    assert collector.standing.finished == 0
    now += 2 * run_log.GROUP_SECONDS
    collector.handle(Waiting())
    assert collector.standing.finished == 1


def test_a_trial_whose_commit_failed_is_not_counted(plan: Plan, paths: RunPaths, make_collector: MakeCollector) -> None:
    collector = make_collector(plan)
    collector.handle(ended(plan.packs[0], 0.5))
    (paths.log / run_log.segment_name(1)).touch()
    with pytest.raises(StorageError, match="E605"):
        collector.commit()
    assert collector.standing.finished == 0


def test_a_pack_of_which_one_member_cannot_be_kept_leaves_no_record(
    plan: Plan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    pack = Pack(
        id="both", program_key="k", trials=plan.trials[:2], resources=plan.packs[0].resources, retries=0
    )  # fmt: skip
    both = Plan(table=plan.table, packs=(pack,))
    collector = make_collector(both)
    checkpoint = PackCheckpoint(epochs=1, content=b"saved")
    collector.handle(CheckpointTaken(pack_id="both", attempt=1, worker="w", checkpoint=checkpoint))

    def fail() -> Weights:
        raise KeyboardInterrupt

    event = ended(pack, 0.5)
    broken = AttemptEnded(
        pack_id="both", attempt=1, worker="w",
        members=(event.members[0], Member(outcome=event.members[1].outcome, fetch_weights=fail)),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        collector.handle(broken)
    collector.commit()
    assert read_log(paths.store) == ([], 1)
    # It did not end for good, so it can go on from where it was saved.
    assert CheckpointStore(paths.store).load("both") == checkpoint
    collector.handle(event)
    collector.commit()
    assert [record["type"] for record in read_log(paths.store)[0]] == [*["trial-finished"] * 2, "attempt-ended"]
    assert CheckpointStore(paths.store).load("both") is None


def test_a_final_loss_fails_the_trials_of_its_pack_and_another_does_not(
    plan: Plan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    collector = make_collector(plan)
    failure = Failure(cause=Cause.CRASH, message="gone", traceback="where\n")
    for final in (False, True):
        collector.handle(
            AttemptLost(
                pack_id=plan.packs[0].id, attempt=1, worker="w", failure=failure, charged=True, final=final, log="out"
            )
        )
        collector.commit()
        assert collector.standing.failed == int(final)
    assert fold(read_log(paths.store)[0]).tries[plan.packs[0].id].charged == 2
    assert paths.trial_log(plan.trials[0].id).read_text() == "out\n\ncrash: gone\nwhere\n"


def test_a_trials_log_is_kept_whatever_it_printed(plan: Plan, paths: RunPaths, make_collector: MakeCollector) -> None:
    collector = make_collector(plan)
    event = ended(plan.packs[0], 0.5, failure=Failure(cause=Cause.DATA, message="caf\udce9"))
    collector.handle(event)
    assert paths.trial_log(plan.trials[0].id).read_bytes() == b"hello\n\ndata: caf?\n"


def test_a_log_that_cannot_be_written_is_an_error_of_the_storage(
    plan: Plan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    collector = make_collector(plan)
    paths.trial_logs.rmdir()
    with pytest.raises(StorageError, match=r"\.log: .*\[E606\]"):
        collector.handle(ended(plan.packs[0], 0.5))


@pytest.mark.parametrize("epoch", [-1, 2])
def test_an_outcome_without_the_objective_has_no_value(plan: Plan, make_collector: MakeCollector, epoch: int) -> None:
    collector = make_collector(plan)
    outcome = TrialOutcome(trial_id=plan.trials[0].id, history={"loss": ()}, weights_epoch=epoch, seconds=0.0)
    member = Member(outcome=outcome, fetch_weights=lambda: ())
    collector.handle(AttemptEnded(pack_id=plan.packs[0].id, attempt=1, worker="w", members=(member,)))
    collector.commit()
    assert collector.standing.records[plan.trials[0].id].value is None


def test_the_value_is_that_of_the_epoch_whose_weights_the_model_has(plan: Plan, make_collector: MakeCollector) -> None:
    collector = make_collector(plan)
    outcome = TrialOutcome(
        trial_id=plan.trials[0].id, history={"val_loss": (0.3, 0.1, 0.2)}, weights_epoch=1, seconds=0.0
    )
    member = Member(outcome=outcome, fetch_weights=lambda: ())
    collector.handle(AttemptEnded(pack_id=plan.packs[0].id, attempt=1, worker="w", members=(member,)))
    collector.commit()
    assert collector.standing.records[plan.trials[0].id].value == 0.1


def test_what_compiled_a_trial_and_which_worker_was_replaced_is_in_the_log(
    plan: Plan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    collector = make_collector(plan)
    (member,) = ended(plan.packs[0], 0.5).members
    member = Member(outcome=replace(member.outcome, compiled="graph"), fetch_weights=member.fetch_weights)
    collector.handle(AttemptEnded(pack_id=plan.packs[0].id, attempt=1, worker="w", members=(member,)))
    replaced = WorkerReplaced(worker="w", private_bytes=3, budget=2)
    collector.handle(replaced)
    collector.commit()
    state = fold(read_log(paths.store)[0])
    assert state.records == collector.standing.records
    assert [record.compiled for record in state.records.values()] == ["graph"]
    assert state.replaced == [replaced]


def kept_on_disk(paths: RunPaths) -> set[str]:
    return {path.stem for path in paths.weights.iterdir()}


def best(plan: Plan, values: Sequence[float | None], count: int) -> set[str]:
    """By brute force: finished trials by value, then by the plan's order; NaN after every number."""
    finished = [(value, position) for position, value in enumerate(values) if value is not None]
    order = sorted(
        finished, key=lambda found: (math.isnan(found[0]), 0 if math.isnan(found[0]) else found[0], found[1])
    )
    return {plan.trials[position].id for _, position in order[:count]}


@pytest.mark.parametrize(
    "values",
    [
        (0.1, 0.2, 0.3, 0.4, 0.5),
        (0.5, 0.5, 0.5, 0.1, 0.5),
        (None, math.nan, 0.3, math.nan, None),
        (math.nan, math.nan, math.nan, None, None),
        (math.inf, math.nan, math.inf, -math.inf, 0.0),
    ],
)
@pytest.mark.parametrize("stop", [0, 3])
def test_exactly_the_best_weights_stay_whatever_the_order(
    plan: Plan, paths: RunPaths, make_collector: MakeCollector, values: Sequence[float | None], stop: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With a commit after each trial, and with none (`stop` trials, then a new collector that goes on)."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    for order in itertools.islice(itertools.permutations(range(5)), 0, None, 7):
        for path in [*paths.log.iterdir(), *paths.weights.iterdir()]:
            path.unlink()
        collector = make_collector(plan)
        for done, index in enumerate(order):
            if stop and done == stop:
                collector.commit()
                collector = make_collector(plan)
            collector.handle(ended(plan.packs[index], values[index]))
            if not stop:
                collector.commit()
        collector.commit()
        records = collector.standing.records
        wanted = best(plan, values, 2)
        boards = rank_jobs({job.name: job.objective for job in plan.jobs}, plan.trials, records)
        assert kept_trials(boards, {"points": 2}) == wanted
        assert kept_on_disk(paths) == {records[trial].weights for trial in wanted}


def test_until_the_last_repeat_ends_the_best_one_so_far_is_kept(
    make_points_plan: MakePlan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    """The assignment with the luckiest seed (0.1) has the worse mean, so its weights go when its last repeat ends."""
    plan = make_points_plan(
        "model.0.Dense.units={choice: [1, 2]}", "search.sampler=grid", "search.repeats=2", "keep.best=1"
    )
    collector = make_collector(plan)
    packs = {(pack.trials[0].number, pack.trials[0].repeat): pack for pack in plan.packs}
    on_disk = []
    for number, repeat, value in [(0, 0, 0.1), (1, 0, 0.5), (1, 1, 0.3), (0, 1, 0.9)]:
        collector.handle(ended(packs[number, repeat], value))
        collector.commit()
        records = collector.standing.records
        kept = kept_on_disk(paths)
        on_disk.append({records[trial].value for trial in records if records[trial].weights in kept})
    assert on_disk == [{0.1}, {0.1, 0.5}, {0.1, 0.3}, {0.3}]
    (board,) = rank_jobs({"points": plan.jobs[0].objective}, plan.trials, collector.standing.records)
    assert board.best is not None
    assert (board.best.value, board.best.mean) == (0.3, 0.4)


@settings(deadline=None)
@given(st.data())
def test_exactly_the_weights_of_the_kept_trials_are_kept_after_every_end(data: st.DataObject) -> None:
    repeats, count = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 3))
    trials = [
        stored_trial(number, repeat) for number in range(data.draw(st.integers(1, 4))) for repeat in range(repeats)
    ]
    values = st.sampled_from([0.0, 1.0, 2.0, math.inf, math.nan, None])
    kept, saved = KeptBest(count, LEAST, repeats), set[str]()
    records: dict[str, TrialRecord] = {}
    for trial in data.draw(st.permutations(trials)):
        value = data.draw(values)
        if value is not None and kept.would_keep(trial, value):
            saved.add(trial.id)
        records[trial.id] = record(trial, value, failed=value is None)
        saved -= set(kept.add(trial, value, failed=value is None))
        assert saved == set(kept.trial_ids) == kept_trials([rank(trials, records, LEAST)], {"a": count})


def test_only_weights_that_may_be_kept_are_fetched(make_points_plan: MakePlan, make_collector: MakeCollector) -> None:
    plan = make_points_plan("model.0.Dense.units={choice: [1, 2, 3]}", "search.sampler=grid", "keep.best=1")
    collector, fetched = make_collector(plan), list[str]()
    for pack, value in zip(plan.packs, (0.2, 0.3, 0.1), strict=True):
        collector.handle(ended(pack, value, fetched))
        collector.commit()
    assert fetched == [plan.trials[0].id, plan.trials[2].id]


def test_nothing_is_fetched_where_nothing_is_kept(
    make_points_plan: MakePlan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    plan, fetched = make_points_plan("keep.best=0"), list[str]()
    collector = make_collector(plan)
    collector.handle(ended(plan.packs[0], 0.1, fetched))
    collector.commit()
    assert fetched == []
    assert kept_on_disk(paths) == set()


def test_weights_that_are_pushed_out_stay_until_the_better_trial_is_durable(
    make_points_plan: MakePlan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    plan = make_points_plan("model.0.Dense.units={choice: [1, 2]}", "search.sampler=grid", "keep.best=1")
    collector = make_collector(plan)
    collector.handle(ended(plan.packs[0], 0.2))
    collector.commit()
    collector.handle(ended(plan.packs[1], 0.1))
    assert len(kept_on_disk(paths)) == 2
    collector.commit()
    assert kept_on_disk(paths) == {collector.standing.records[plan.trials[1].id].weights}


def test_equal_weights_of_two_trials_stay_while_one_of_them_is_kept(
    make_points_plan: MakePlan, paths: RunPaths, make_collector: MakeCollector
) -> None:
    plan = make_points_plan("model.0.Dense.units={choice: [1, 2]}", "search.sampler=grid", "keep.best=1")
    collector = make_collector(plan)
    for pack, value in zip(plan.packs, (0.2, 0.1), strict=True):
        (member,) = ended(pack, value).members
        same = Member(outcome=member.outcome, fetch_weights=lambda: weights_of(7))
        collector.handle(AttemptEnded(pack_id=pack.id, attempt=1, worker="w", members=(same,)))
        collector.commit()
    assert len(kept_on_disk(paths)) == 1


def test_what_a_killed_submit_left_among_the_weights_is_removed(paths: RunPaths) -> None:
    store = WeightsStore(paths.store)
    kept, _orphan = store.save(weights_of(1)), store.save(weights_of(-1))
    (paths.weights / f"{durable.ASIDE_PREFIX}5-aa").touch()
    store.keep_only({kept, None})
    paths.store.remove_leftovers()
    assert kept_on_disk(paths) == {kept}


def test_weights_are_read_back_bit_for_bit_and_a_damaged_file_is_named(paths: RunPaths) -> None:
    store = WeightsStore(paths.store)
    weights: Weights = (
        np.array([[np.nan, -0.0], [np.inf, 5e-324]]), np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.array(3, dtype=np.int64), np.zeros((0, 2)),
    )  # fmt: skip
    digest = store.save(weights)
    assert store.save(tuple(np.ascontiguousarray(array) if array.ndim else array for array in weights)) == digest
    for found, given_ in zip(store.load(digest), weights, strict=True):
        assert (found.dtype, found.shape, found.tobytes()) == (given_.dtype, given_.shape, given_.tobytes())
    path = paths.weights_file(digest)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(StorageError, match=rf"{digest}\.npz.*\[E609\]"):
        store.load(digest)
    path.unlink()
    with pytest.raises(StorageError, match=rf"{digest}\.npz.*No such file.*\[E610\]"):
        store.load(digest)


def test_a_damaged_file_of_the_same_name_is_not_taken_for_the_weights(paths: RunPaths) -> None:
    store = WeightsStore(paths.store)
    digest = store.save((np.arange(6, dtype=np.float32),))
    paths.weights_file(digest).write_bytes(b"spoilt")
    assert store.save((np.arange(6, dtype=np.float32),)) == digest
    assert store.load(digest)[0].tolist() == [0, 1, 2, 3, 4, 5]


def test_many_weights_keep_their_order(paths: RunPaths) -> None:
    store = WeightsStore(paths.store)
    many = tuple(np.array(number, dtype=np.int32) for number in range(10_005))
    assert [int(array) for array in store.load(store.save(many))] == list(range(10_005))
    assert store.load(store.save(())) == ()


def test_objects_are_never_written(paths: RunPaths) -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        WeightsStore(paths.store).save((np.array([{}], dtype=object),))


def test_a_state_without_records_is_a_new_run(plan: Plan, paths: RunPaths) -> None:
    collector = Collector(
        plan, paths.store, RunLog(paths.store, next_number=1), LogState(), CheckpointStore(paths.store)
    )
    assert (collector.standing.finished, collector.standing.resumed) == (0, 0)
    assert collector.standing.leaderboards[0].entries == ()
