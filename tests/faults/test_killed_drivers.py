"""Drivers that are killed, and drivers that start at once: a sample of `python -m tests.faults.soak`, and more."""

from __future__ import annotations

import random
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from seqjobs.execution.retry import MOST_DEATHS_ALONE
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.run import Run
from tests.conftest import POINTS_SPEC
from tests.faults.drivers import Driver
from tests.faults.soak import soak
from tests.fixtures.fake_runner import trainings
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import committed, do, moved_points, result


@pytest.fixture
def sixty(points: Path, tmp_path: Path) -> Path:
    """The spec of sixty trials."""
    units = "{units: {choice: [1, 2, 3, 4]}, activation: relu}"
    text = POINTS_SPEC.replace("{units: 8, activation: relu}", units)
    text += "search: {sampler: grid, repeats: 15}\nkeep: {best: 5}\n"
    return moved_points(points, tmp_path, text)


def driver(spec: Path, run: str, **more: Any) -> Driver:
    folder = spec.parent
    return Driver(
        spec=spec, root=folder / "runs" / run, shown=folder / f"shown-{run}", notes=folder / f"notes-{run}", **more
    )


@pytest.mark.parametrize("most_kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_among_sixty_trials_train_nothing_twice_and_change_no_byte(
    sixty: Path, tmp_path: Path, most_kills: int
) -> None:
    do(plan_of(sixty), tmp_path / "golden")
    chance, one = random.Random(5), driver(sixty, "one", epoch_seconds=0.05)
    kills = 0
    while kills < most_kills:
        done, before = committed(one.root), len(trainings(one.notes))
        process = one.start()
        # A driver that is killed before its first trial shows little. Two trials at most, so that some are left.
        while len(trainings(one.notes)) < before + chance.randrange(1, 3) and process.is_alive():
            process.join(0.002)
        process.join(chance.uniform(0, 0.01))
        assert process.is_alive(), f"the run was over after {kills} kills"
        process.kill()
        process.join()
        kills += 1
        assert not done & set(trainings(one.notes)[before:])
    done, before = committed(one.root), len(trainings(one.notes))
    assert len(done) < 60
    last = driver(sixty, "one").start()
    last.join()
    assert last.exitcode == 0
    assert not done & set(trainings(one.notes)[before:])
    assert result(one.root) == result(tmp_path / "golden")


@pytest.fixture
def long_one(points: Path, tmp_path: Path) -> Path:
    """The spec of one trial that is saved behind each of its 60 epochs."""
    text = POINTS_SPEC.replace("epochs: 3", "epochs: 60") + "limits: {retries: 0, checkpoint: 1s}\n"
    return moved_points(points, tmp_path, text)


def epochs_saved(root: Path) -> int:
    paths = RunPaths(root=root)
    store = CheckpointStore(paths.store)
    return max((store.epochs(path.stem) for path in paths.checkpoints.glob("*.checkpoint")), default=0)


def killed_when_further(one: Driver) -> None:
    before, process = epochs_saved(one.root), one.start()
    while epochs_saved(one.root) <= before and process.is_alive():
        process.join(0.002)
    assert process.is_alive()
    process.kill()
    process.join()


def killed_when_begun(one: Driver) -> None:
    before, process = len(trainings(one.notes)), one.start()
    while len(trainings(one.notes)) == before and process.is_alive():
        process.join(0.002)
    assert process.is_alive()
    process.kill()
    process.join()


@pytest.mark.parametrize("drivers", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_a_trial_that_outlives_its_drivers_finishes(long_one: Path, tmp_path: Path, drivers: int) -> None:
    do(plan_of(long_one), tmp_path / "golden")
    one = driver(long_one, "one", epoch_seconds=0.1)
    for _ in range(drivers):
        killed_when_further(one)
    last = driver(long_one, "one").start()
    last.join()
    assert last.exitcode == 0
    begun = [int(line.split()[3]) for line in one.notes.read_text().splitlines() if line.startswith("begun")]
    assert len(begun) == drivers + 1
    assert begun == sorted(set(begun))
    assert result(one.root) == result(tmp_path / "golden")


def test_a_trial_whose_drivers_die_before_it_gets_further_is_given_up(long_one: Path) -> None:
    killed_when_further(driver(long_one, "one", epoch_seconds=0.02))
    hung = driver(long_one, "one", epoch_seconds=3600.0)
    for _ in range(1 + MOST_DEATHS_ALONE):
        killed_when_begun(hung)
    driver(long_one, "one").start().join()
    (record,) = Run.open(hung.root).records.values()
    assert record.failure is not None
    assert record.failure.message.endswith("[E527]")
    assert len(trainings(hung.notes)) == 2 + MOST_DEATHS_ALONE


@pytest.mark.parametrize(
    "number", [number if number < 3 else pytest.param(number, marks=pytest.mark.slow) for number in range(20)]
)
def test_of_two_submits_at_once_one_trains_and_the_other_names_it(sixty: Path, tmp_path: Path, number: int) -> None:
    answers = [tmp_path / "first", tmp_path / "second"]
    processes = [driver(sixty, "one", answer=answer, epoch_seconds=0.0005).start() for answer in answers]
    for process in processes:
        process.join()
    codes = [process.exitcode for process in processes]
    assert sorted(filter(None, codes)) in ([2], []), codes
    for code, answer, other in zip(codes, answers, reversed(processes), strict=True):
        if code:
            held = rf".*one: this run is in use by process {other.pid} on {re.escape(socket.gethostname())}"
            assert re.match(held, answer.read_text()), number
            assert "[E602]" in answer.read_text()
    run = Run.open(tmp_path / "runs" / "one")
    assert run.num_finished == 60
    assert len(trainings(tmp_path / "notes-one")) == 60


@pytest.mark.slow
def test_a_sample_of_the_soak() -> None:
    counts = soak(11, runs=4)
    assert counts["runs"] == 4
    assert counts["kills"] >= 4
