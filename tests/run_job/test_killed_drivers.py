"""Drivers that are killed for real, with SIGKILL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from seqjobs.results.run import Run
from tests.conftest import POINTS_SPEC, ROOT
from tests.fake_runner import Behaviour, trainings

from .samples import committed, do, moved_points, plan_of, result


def child(spec: Path, runs: Path, notes: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fake_runner", str(spec), str(runs), "one", "--notes", str(notes), *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition() and process.poll() is None:
        time.sleep(0.001)


def test_a_driver_killed_again_and_again_trains_nothing_twice_and_ends_with_the_same_bytes(
    points: Path, tmp_path: Path
) -> None:
    spec, notes = moved_points(points, tmp_path), tmp_path / "notes"
    units = "{units: {choice: [1, 2, 3, 4]}, activation: relu}"
    text = POINTS_SPEC.replace("{units: 8, activation: relu}", units)
    spec.write_text(text + "search: {sampler: grid, repeats: 5}\nkeep: {best: 3}\n")
    plan = plan_of(spec)
    assert len(plan.trials) == 20
    do(plan, tmp_path / "golden")
    root, runs, kills = tmp_path / "runs" / "one", tmp_path / "runs", 0
    while True:
        done, begun = committed(root), len(trainings(notes))
        with child(spec, runs, notes, "--epoch-seconds=0.004") as process:
            wait_until(lambda at=begun + 4: len(trainings(notes)) >= at, process)  # type: ignore[misc]
            time.sleep(0.003 * kills)  # another moment each time
            process.kill()
            output, errors = process.communicate()
        assert not done & set(trainings(notes)[begun:])
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors
        kills += 1
    assert kills >= 3
    assert output == "finished\n"
    assert result(root) == result(tmp_path / "golden")


def test_a_trial_that_kills_its_driver_is_given_up_and_the_others_finish(points: Path, tmp_path: Path) -> None:
    spec, notes = moved_points(points, tmp_path), tmp_path / "notes"
    units = f"{{units: {{choice: [1, {Behaviour.EXIT.value}, 2]}}, activation: relu}}"
    spec.write_text(
        POINTS_SPEC.replace("{units: 8, activation: relu}", units) + "search: {sampler: grid}\nlimits: {retries: 1}\n"
    )
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


def test_two_drivers_at_once_one_runs_and_the_other_names_it(points: Path, tmp_path: Path) -> None:
    spec, notes = moved_points(points, tmp_path), tmp_path / "notes"
    with child(spec, tmp_path / "runs", notes, "--epoch-seconds=600") as first:
        wait_until(lambda: len(trainings(notes)) > 0, first)
        with child(spec, tmp_path / "runs", notes) as second:
            _, errors = second.communicate()
        first.kill()
    assert f"E602 {tmp_path}/runs/one: this run is held by process {first.pid} on " in errors
    assert len(trainings(notes)) == 1
