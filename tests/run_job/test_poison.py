"""Trials that take their driver with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from seqjobs.results.run import Run
from tests.conftest import POINTS_SPEC, ROOT
from tests.fixtures.command_line import start
from tests.fixtures.fake_runner import Behaviour, trainings
from tests.fixtures.runs import moved_points


def child(spec: Path, runs: Path, notes: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fixtures.fake_runner", str(spec), str(runs), "one", "--notes", str(notes)]
    return start(*more, folder=ROOT, command=command)


def test_a_trial_that_kills_its_driver_is_given_up_and_the_others_finish(points: Path, tmp_path: Path) -> None:
    units = f"{{units: {{choice: [1, {Behaviour.EXIT.value}, 2]}}, activation: relu}}"
    text = POINTS_SPEC.replace("{units: 8, activation: relu}", units)
    spec = moved_points(points, tmp_path, text + "search: {sampler: grid}\nlimits: {retries: 1}\n")
    notes = tmp_path / "notes"
    # The first time it was one among others; then it dies alone, behind them.
    assert codes_until_the_end(spec, tmp_path, notes) == [86, 86, 86, 86, 0]
    run = Run.open(tmp_path / "runs" / "one")
    assert (run.num_finished, run.num_failed) == (2, 1)
    assert len(trainings(notes, "ended")) == 2
    failure = run.leaderboard.entries[-1].failure
    assert failure.startswith("crash: 3 submits died while they trained this trial alone")
    assert failure.endswith("`seqjobs submit --retry-failed`. [E527]")


def test_of_a_pack_the_member_that_kills_its_drivers_is_found_and_the_others_finish(
    points: Path, tmp_path: Path
) -> None:
    rates = f"learning_rate: {{choice: [0.1, {float(Behaviour.EXIT)}, 0.3, 0.4]}}"
    text = POINTS_SPEC.replace("learning_rate: 0.01", rates).replace("batch_size: 29", "batch_size: 29, pack: 4")
    spec = moved_points(points, tmp_path, text + "search: {sampler: grid}\nlimits: {retries: 0}\n")
    notes = tmp_path / "notes"
    # Once by chance; twice all four, twice the half that has it, three times by itself.
    assert codes_until_the_end(spec, tmp_path, notes) == [86] * (1 + 2 + 2 + 3) + [0]
    run = Run.open(tmp_path / "runs" / "one")
    (failed,) = [trial for trial in run.trials if Behaviour.EXIT in trial.hyperparameters.values()]
    assert [entry.trial for entry in run.leaderboard.entries if entry.rank is None] == [failed.id]
    assert len(trainings(notes, "ended")) == 3


def codes_until_the_end(spec: Path, folder: Path, notes: Path) -> list[int]:
    """With what the submits left, until one comes to the end of the run."""
    codes: list[int] = []
    while not codes or codes[-1]:
        assert len(codes) < 10
        with child(spec, folder / "runs", notes) as process:
            process.communicate()
        codes.append(process.returncode)
    return codes
