"""Runs that are removed while other processes begin, resume or remove them, and removals that are killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seqjobs import run as run_module
from seqjobs.cli.main import cli
from seqjobs.errors import SeqjobsError
from seqjobs.execution.events import EpochEnded
from seqjobs.execution.in_process import InProcess
from seqjobs.jobspec.load import load_job
from seqjobs.planning.plan import Plan
from seqjobs.results.run import Run, RunStatus
from seqjobs.run import RetryFailed, WhichRun, submit_jobs
from tests.conftest import POINTS_SPEC
from tests.faults.drivers import Driver
from tests.faults.operations import interposed
from tests.fixtures.command_line import invoke
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import do, moved_points, result, stop_after

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.faults.drivers"])
_INTERPOSED = ExitStack()
MOST_OPERATIONS = 1_000


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQJOBS_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def spec(points: Path, tmp_path: Path) -> Path:
    """The spec of two trials."""
    return moved_points(points, tmp_path, POINTS_SPEC + "search: {repeats: 2}\n")


class At:
    """Calls `act` before the operation on files with a number, and keeps what it returns."""

    def __init__(self, number: int, act: Callable[[], Any]) -> None:
        self._number = number
        self._act = act
        self.results: list[Any] = []

    def __call__(self, number: int) -> None:
        if number == self._number:
            self.results.append(self._act())


def code_of_command(*arguments: str) -> int:
    return CliRunner().invoke(cli, arguments).exit_code


def code_of_submit(plan: Plan, root: Path) -> str:
    """Return the code of the error with which a submit ends; "" if it does not."""
    try:
        do(plan, root)
    except SeqjobsError as error:
        return error.code
    return ""


def remove_and_die(number: int, *arguments: str) -> None:
    """Be a process that removes runs, and gets SIGKILL before the operation with that number."""
    _INTERPOSED.enter_context(interposed(At(number, lambda: os.kill(os.getpid(), signal.SIGKILL))))
    cli.main(arguments)


@pytest.mark.parametrize("command", [("rm", "one"), ("gc", "--keep-last", "1")])
def test_a_killed_removal_leaves_a_whole_run_or_none(
    spec: Path, runs: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    plan = plan_of(spec)
    whole = result(do(plan, tmp_path / "golden").path)
    shutil.copytree(tmp_path / "golden", runs / "one")
    do(plan, runs / "two")
    outcomes = []
    for number in range(1, MOST_OPERATIONS, 7):
        process = _PROCESSES.Process(target=remove_and_die, args=(number, *command, "--runs-dir", str(runs)))
        process.start()
        process.join()
        assert process.exitcode in (-signal.SIGKILL, 0)
        listed = {line.split()[0] for line in invoke("ls").stdout.splitlines()[2:]}
        assert listed == {"two", *(["one"] if (runs / "one").exists() else [])}
        outcomes.append("one" in listed)
        if process.exitcode == 0:
            break
        if (runs / "one").exists():
            assert result(runs / "one") == whole
        else:
            assert result(do(plan, runs / "one").path) == whole  # its ID is free
            shutil.rmtree(runs / "one")
            shutil.copytree(tmp_path / "golden", runs / "one")  # older than the other run, again
    assert process.exitcode == 0
    assert {*outcomes[:-1]} == {True, False}
    assert [path.name for path in runs.iterdir()] == ["two"]  # what the killed ones left is gone, too


def test_a_run_that_is_removed_while_it_is_resumed_is_whole_or_gone(spec: Path, runs: Path, tmp_path: Path) -> None:
    plan = plan_of(spec)
    whole = result(do(plan, tmp_path / "golden").path)
    with pytest.raises(KeyboardInterrupt):
        do(plan, tmp_path / "interrupted", watcher=stop_after(1))
    outcomes = []
    # Once the submit has the lock, each attempt to remove the run waits for it.
    for number in (*range(1, 25), 60):
        shutil.copytree(tmp_path / "interrupted", runs / "one")
        removal = At(number, lambda: code_of_command("rm", "one"))
        with interposed(removal, locks=True):
            error = code_of_submit(plan, runs / "one")
        (code,) = removal.results
        if error:
            assert not (runs / "one").exists()
        else:
            assert result(runs / "one") == whole
        outcomes.append((code, error))
        shutil.rmtree(runs, ignore_errors=True)
    # Removed before the submit looks, which then begins a run of this ID; removed under its hands; in use.
    expected = [(0, ""), (0, "E611"), (2, "")]
    assert list(dict.fromkeys(outcomes)) == expected
    assert outcomes == sorted(outcomes, key=expected.index)


def test_a_submit_of_the_id_that_is_being_removed_is_whole_or_refused(spec: Path, runs: Path, tmp_path: Path) -> None:
    plan = plan_of(spec)
    whole = result(do(plan, tmp_path / "golden").path)
    outcomes = set()
    for number in (*range(1, 12), *range(12, MOST_OPERATIONS, 6)):
        shutil.copytree(tmp_path / "golden", runs / "one")
        submit = At(number, lambda: code_of_submit(plan, runs / "one"))
        with interposed(submit, locks=True):
            assert code_of_command("rm", "one") == 0
        if (runs / "one").exists():
            assert submit.results == [""]  # it began after the removal
            assert result(runs / "one") == whole
        outcomes.add((*submit.results, (runs / "one").exists()))
        shutil.rmtree(runs)
        if not submit.results:
            break
    assert outcomes == {("", False), ("E602", False), ("", True), (False,)}


def test_two_removals_at_once_do_not_disturb_each_other(spec: Path, runs: Path, tmp_path: Path) -> None:
    do(plan_of(spec), tmp_path / "golden")
    for number in range(1, MOST_OPERATIONS, 3):
        for name in ("one", "two"):
            shutil.copytree(tmp_path / "golden", runs / name)
        other = At(number, lambda: code_of_command("rm", "two"))
        with interposed(other, locks=True):
            assert code_of_command("rm", "one") == 0
        if not other.results:
            break
        assert other.results == [0]
        assert list(runs.iterdir()) == []


def test_a_submit_whose_unfinished_run_is_removed_begins_another(
    spec: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "RayPool", lambda *_, **__: InProcess(start=StartFake()))
    with pytest.raises(KeyboardInterrupt):
        do(plan_of(spec), tmp_path / "interrupted", watcher=stop_after(1))
    jobs, is_resumed = [load_job(spec)], set()
    for number in range(4, 34, 2):
        shutil.copytree(tmp_path / "interrupted", runs / "one")
        with interposed(At(number, lambda: code_of_command("rm", "one")), locks=True):
            run = submit_jobs(jobs, run=WhichRun.UNFINISHED, runs_dir=runs)
        assert (run.status, run.num_finished) == (RunStatus.FINISHED, 2)
        assert list(runs.iterdir()) == [run.path]
        is_resumed.add(run.path == runs / "one")
        shutil.rmtree(runs)
    assert is_resumed == {False, True}


def test_a_run_that_is_retried_while_it_is_selected_is_left(
    points: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = f"learning_rate: {{choice: [0.1, {float(Behaviour.FAIL_ONCE)}]}}"
    text = POINTS_SPEC.replace("learning_rate: 0.01", rates) + "search: {sampler: grid}\nlimits: {retries: 0}\n"
    spec = moved_points(points, tmp_path, text)
    start = StartFake(notes=tmp_path / "notes")
    assert do(plan_of(spec), tmp_path / "failed", start=start).num_failed == 1
    monkeypatch.setattr(run_module, "RayPool", lambda *_, **__: InProcess(start=start))
    jobs, one = [load_job(spec)], RetryFailed("one")

    def retry_and_stop() -> str:
        with pytest.raises((KeyboardInterrupt, SeqjobsError)) as found:
            submit_jobs(jobs, run=one, runs_dir=runs, progress=stop_after(1, EpochEnded))
        return getattr(found.value, "code", "stopped")

    outcomes = set()
    for number in range(1, MOST_OPERATIONS, 3):
        shutil.copytree(tmp_path / "failed", runs / "one")
        retry = At(number, retry_and_stop)
        with interposed(retry, locks=True):
            assert code_of_command("gc", "--keep-last", "0") == 0
        is_left = (runs / "one").exists()
        assert is_left == (retry.results == ["stopped"])
        if is_left:
            assert Run.open(runs / "one").status is RunStatus.INTERRUPTED
        outcomes.add((*retry.results, is_left))
        shutil.rmtree(runs)
        if not retry.results:
            break
    assert outcomes == {("stopped", True), ("E602", False), ("E611", False), (False,)}


def test_gc_beside_a_submit_leaves_its_run(points: Path, runs: Path, tmp_path: Path) -> None:
    spec = moved_points(points, tmp_path, POINTS_SPEC + "search: {repeats: 10}\n")
    plan = plan_of(spec)
    whole = result(do(plan, runs / "done").path)
    notes = tmp_path / "notes"
    driver = Driver(spec=spec, root=runs / "one", shown=tmp_path / "shown", notes=notes, epoch_seconds=0.05)
    process = driver.start()
    while not trainings(notes):
        process.join(0.01)
        assert process.is_alive()
    found = json.loads(invoke("gc", "--keep-last", "0", "--unfinished", "-o", "json").stdout)
    assert process.is_alive()
    assert [(run["run"], run["reason"]) for run in found["left"]] == [("one", "in use")]
    assert [run["run"] for run in found["removed"]] == ["done"]
    process.join()
    assert process.exitcode == 0
    assert result(runs / "one") == whole
