"""Trials that were at work whenever their driver was killed: they finish, and only one that is to blame is given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqjobs.results.run import Run
from tests.conftest import POINTS_SPEC
from tests.faults.drivers import Driver
from tests.faults.test_killed_drivers import driver, killed_when_begun
from tests.fixtures.fake_runner import trainings
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import do, moved_points, result

RATES = "learning_rate: {choice: [0.1, 0.2, 0.3, 0.4]}"


def spec_of(points: Path, folder: Path, *, pack: int | str = "off", retries: int = 0) -> Path:
    """Four trials, apart or in one pack; a worker's death would not be forgiven."""
    text = POINTS_SPEC.replace("learning_rate: 0.01", RATES).replace("batch_size: 29", f"batch_size: 29, pack: {pack}")
    return moved_points(points, folder, f"{text}search: {{sampler: grid}}\nlimits: {{retries: {retries}}}\n")


def begun_by(one: Driver) -> list[str]:
    """The trials that a submit trains, in order; it is killed as the first has begun."""
    before = len(trainings(one.notes))
    killed_when_begun(one)
    return trainings(one.notes)[before:]


@pytest.mark.parametrize("pack", ["off", 4])
def test_three_kills_lose_no_trial_and_change_no_byte(points: Path, tmp_path: Path, pack: int | str) -> None:
    spec = spec_of(points, tmp_path, pack=pack)
    do(plan_of(spec), tmp_path / "golden")
    for _ in range(3):
        killed_when_begun(driver(spec, "one", epoch_seconds=3600.0))
    last = driver(spec, "one").start()
    last.join()
    assert last.exitcode == 0
    run = Run.open(tmp_path / "runs" / "one")
    assert (run.num_finished, run.num_failed) == (4, 0)
    assert result(run.path) == result(tmp_path / "golden")


def test_a_run_of_one_trial_outlives_three_kills(points: Path, tmp_path: Path) -> None:
    spec = moved_points(points, tmp_path)
    for _ in range(3):
        killed_when_begun(driver(spec, "one", epoch_seconds=3600.0))
    last = driver(spec, "one").start()
    last.join()
    assert Run.open(tmp_path / "runs" / "one").num_finished == 1


def test_a_resumed_run_begins_with_trials_that_were_not_at_work(points: Path, tmp_path: Path) -> None:
    one = driver(spec_of(points, tmp_path), "one", epoch_seconds=3600.0)
    firsts = [begun_by(one)[0] for _ in range(4)]
    assert len(set(firsts)) == 4
