"""The order of trials: by value, ties by the plan, failed last; means over repeats."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.planning.compile_rule import Compiler
from seqjobs.results.leaderboard import Leaderboard, kept_trials, rank, rank_jobs
from seqjobs.results.manifest import StoredTrial
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.training.outcome import Cause, Failure

LEAST = ObjectiveSpec(metric="val_loss", direction="minimize")
MOST = ObjectiveSpec(metric="val_accuracy", direction="maximize")


def trial(number: int, repeat: int = 0, job: str = "a") -> StoredTrial:
    return StoredTrial(
        id=f"{job}{number}.{repeat}", job=job, number=number, repeat=repeat, seed=repeat,
        hyperparameters={"units": number}, dataset="d",
        key=f"{job}{number}.{repeat}", places=1, compiler=Compiler.GRAPH,
    )  # fmt: skip


def record(of: StoredTrial, value: float | None, *, failed: bool = False) -> TrialRecord:
    return TrialRecord(
        trial_id=of.id,
        status=TrialStatus.FAILED if failed else TrialStatus.FINISHED,
        attempt=1,
        value=value,
        history={"loss": (1.0,), "val_loss": (1.0, 2.0)},
        weights_epoch=0,
        seconds=1.5,
        failure=Failure(cause=Cause.NAN, message="why") if failed else None,
    )


def board(values: Sequence[float | None], objective: ObjectiveSpec) -> list[int]:
    trials = [trial(number) for number in range(len(values))]
    records = {one.id: record(one, value, failed=value is None) for one, value in zip(trials, values, strict=True)}
    shuffled = dict(random.Random(1).sample(sorted(records.items()), len(records)))
    return [entry.number for entry in rank(trials, shuffled, objective).entries]


def test_the_best_comes_first_ties_in_the_plans_order_and_failures_last() -> None:
    values = [0.5, None, 0.1, 0.5, math.nan, 0.5, None, math.inf, -math.inf]
    assert board(values, LEAST) == [8, 2, 0, 3, 5, 4, 7, 1, 6]
    assert board(values, MOST) == [7, 0, 3, 5, 2, 4, 8, 1, 6]


def test_ranks_count_from_one_and_failures_have_none_but_a_reason() -> None:
    trials = [trial(0), trial(1), trial(2)]
    records = {"a0.0": record(trials[0], None, failed=True), "a1.0": record(trials[1], 0.5)}
    found = rank(trials, records, LEAST)
    assert [(entry.trial, entry.rank, entry.failure) for entry in found.entries] == [
        ("a1.0", 1, ""),
        ("a0.0", None, "nan: why"),
    ]
    assert found.best is found.entries[0]
    assert found.best.epochs == 2  # of the longest metric
    assert rank(trials[:1], records, LEAST).best is None
    assert rank([], {}, LEAST).best is None


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([0.25, 0.75], 0.5),
        ([0.1], 0.1),
        ([0.25, None], 0.25),
        ([None, None], None),
        ([math.inf, -math.inf], math.nan),
        ([1.7e308, 1.7e308], math.inf),
    ],
)
def test_the_mean_is_over_the_repeats_that_finished(values: list[float | None], mean: float | None) -> None:
    trials = [trial(0, repeat) for repeat in range(len(values))]
    other = trial(1)
    records = {one.id: record(one, value, failed=value is None) for one, value in zip(trials, values, strict=True)}
    found = rank([*trials, other], {**records, other.id: record(other, 9.0)}, LEAST)
    assert [repr(entry.mean) for entry in found.entries if entry.number == 0] == [repr(mean)] * len(values)


def test_assignments_are_ranked_by_their_mean_and_their_rows_stand_together() -> None:
    """Assignment 1 has the luckiest seed, 0 the better mean, 2 a failed repeat, 3 no repeat that finished."""
    values = {
        (0, 0): 0.3, (0, 1): 0.2, (0, 2): 0.4,
        (1, 0): 0.1, (1, 1): 0.9, (1, 2): 0.8,
        (2, 0): None, (2, 1): 0.7, (2, 2): 0.5,
        (3, 0): None, (3, 1): None,
    }  # fmt: skip
    trials = [trial(number, repeat) for number in range(4) for repeat in range(3)]
    known = {(one.number, one.repeat): one for one in trials}
    records = {
        known[key].id: record(known[key], value, failed=value is None) for key, value in reversed(values.items())
    }
    found = rank(trials, records, LEAST)
    assert [(entry.number, entry.repeat, entry.rank) for entry in found.entries] == [
        *[(0, 1, 1), (0, 0, 1), (0, 2, 1)],
        *[(1, 0, 2), (1, 2, 2), (1, 1, 2)],
        *[(2, 2, 3), (2, 1, 3), (2, 0, None)],
        *[(3, 0, None), (3, 1, None)],
    ]
    assert found.best is not None
    assert (found.best.mean, found.best.std) == pytest.approx((0.3, 0.1))
    assert [entry.repeats_left for entry in found.entries] == [0] * 9 + [1] * 2


def test_equal_means_are_ranked_by_number() -> None:
    trials = [trial(number, repeat) for number in range(2) for repeat in range(2)]
    values = (0.25, 0.75, 0.125, 0.875)
    records = {one.id: record(one, value) for one, value in zip(trials, values, strict=True)}
    for objective in (LEAST, MOST):
        assert [entry.number for entry in rank(trials, records, objective).entries] == [0, 0, 1, 1]


def test_an_entry_has_every_metric_at_the_epoch_of_its_weights_the_objective_first() -> None:
    board = rank([trial(0)], {"a0.0": record(trial(0), 1.0)}, LEAST)
    assert board.entries[0].metrics == {"loss": 1.0, "val_loss": 1.0}
    assert board.metrics == ("val_loss", "loss")
    failed = rank([trial(0)], {"a0.0": record(trial(0), None, failed=True)}, LEAST)
    assert failed.entries[0].metrics == {}


def boards() -> tuple[Leaderboard, ...]:
    trials = [trial(number, job=job) for job in "abc" for number in range(2)]
    values = [0.1, 0.4, 0.2, 0.3, 0.9, 0.8]
    records = {one.id: record(one, value) for one, value in zip(trials, values, strict=True)}
    return rank_jobs({"a": LEAST, "b": LEAST, "c": MOST}, trials, records)


def test_jobs_of_one_objective_share_a_leaderboard() -> None:
    assert [[entry.trial for entry in found.entries] for found in boards()] == [
        ["a0.0", "b0.0", "b1.0", "a1.0"],
        ["c0.0", "c1.0"],
    ]


def test_each_job_keeps_as_many_as_it_asked_for() -> None:
    assert kept_trials(boards(), {"a": 1, "b": 2, "c": 0}) == {"a0.0", "b0.0", "b1.0"}
