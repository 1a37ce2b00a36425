"""A trial that takes its driver with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from seqjobs.results.run import Run
from tests.conftest import POINTS_SPEC, ROOT
from tests.fixtures.command_line import start
from tests.fixtures.fake_runner import Behaviour
from tests.fixtures.runs import moved_points


def child(spec: Path, runs: Path, notes: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fixtures.fake_runner", str(spec), str(runs), "one", "--notes", str(notes)]
    return start(*more, folder=ROOT, command=command)


def test_a_trial_that_kills_its_driver_is_given_up_and_the_others_finish(points: Path, tmp_path: Path) -> None:
    units = f"{{units: {{choice: [1, {Behaviour.EXIT.value}, 2]}}, activation: relu}}"
    text = POINTS_SPEC.replace("{units: 8, activation: relu}", units)
    spec = moved_points(points, tmp_path, text + "search: {sampler: grid}\nlimits: {retries: 1}\n")
    notes = tmp_path / "notes"
    codes: list[int] = []
    while not codes or codes[-1]:
        assert len(codes) < 5
        with child(spec, tmp_path / "runs", notes) as process:
            process.communicate()
        codes.append(process.returncode)
    assert codes == [86, 86, 0]
    run = Run.open(tmp_path / "runs" / "one")
    assert (run.num_finished, run.num_failed) == (2, 1)
    assert run.leaderboard.entries[-1].failure == "crash: 2 attempts died with their worker or driver"
