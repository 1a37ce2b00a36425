"""Submits that get signals, or lose their terminal: real processes, real signals, fake training."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from seqjobs.cli.interruption import FIRST_NOTICE
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.run import Run, RunStatus
from seqjobs.store.local_store import LocalStore
from seqjobs.store.lock import is_held
from tests.conftest import POINTS_SPEC, ROOT
from tests.fixtures.command_line import SUBMITTED
from tests.fixtures.fake_runner import Behaviour, trainings
from tests.fixtures.files import write_spec
from tests.fixtures.run_paths import RunPaths, paths_of
from tests.fixtures.runs import moved_points

pytestmark = pytest.mark.slow

NUM_TRIALS, EPOCHS = 6, 60
# A trial takes 0.6 s, and with `lasting` half a minute from a trial on; no attempt may be charged for either.
TEXT = (
    POINTS_SPEC.replace("learning_rate: 0.01", f"learning_rate: {float(Behaviour.SLOW)}").replace(
        "epochs: 3", f"epochs: {EPOCHS}"
    )
    + f"search: {{repeats: {NUM_TRIALS}}}\nlimits: {{retries: 0}}\n"
)

Files = int | IO[bytes] | None


class Submits:
    """Submits of one spec as one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.notes = folder / "notes"
        self.root = folder / "runs" / "one"

    @contextmanager
    def start(
        self, stdout: Files, stderr: Files, redirected: str = "", **variables: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        arguments = ["submit", "job.yaml", "--run", "one", "--runs-dir", "runs", "--workers", "1"]
        command = [*SUBMITTED, *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SEQJOBS_TEST_NOTES": str(self.notes)}
        environment |= {"SEQJOBS_TEST_SLOW": "0.01", **variables}
        shell = ["sh", "-c", f'exec "$@" {redirected}', "sh"]
        process = subprocess.Popen(
            [*shell, *command], cwd=self._folder, env=environment, stdout=stdout, stderr=stderr, start_new_session=True
        )
        with process:
            try:
                yield process
            except BaseException:
                process.kill()  # or leaving would wait for it
                raise

    def train(self, number: int, process: subprocess.Popen[bytes]) -> None:
        """Waits until that many trials were begun, of which the last is at work."""
        while len(trainings(self.notes)) < number and process.poll() is None:
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()

    def ended_as_if_nothing_had_happened(self) -> bool:
        run = Run.open(self.root)
        assert (run.status, run.num_finished) == (RunStatus.FINISHED, NUM_TRIALS)
        assert all(path.exists() for path in (paths_of(run).leaderboard, paths_of(run).histories, paths_of(run).best))
        return set(Counter(trainings(self.notes, "ended")).values()) == {1}


@pytest.fixture
def submits(points: Path, tmp_path: Path) -> Submits:
    moved_points(points, tmp_path, TEXT)
    return Submits(tmp_path)


PIPE = subprocess.PIPE
AGAIN = "stopped. Resume with: seqjobs submit job.yaml --runs-dir runs --workers 1 --run one"


def lasting(number: int) -> dict[str, str]:
    """Variables with which the trial that begins with this number lasts half a minute, unless it is stopped."""
    return {"SEQJOBS_TEST_SLOW": "0.5", "SEQJOBS_TEST_SLOW_FROM": str(number)}


def goes_on(submits: Submits) -> None:
    """The same command does what is left, of which the trial that was under way was not charged for."""
    assert not is_held(submits.root / "lock")
    begun = len(Run.open(submits.root).records)
    assert begun < NUM_TRIALS
    with submits.start(PIPE, PIPE) as process:
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert submits.ended_as_if_nothing_had_happened()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_commits_what_ended_and_the_same_command_goes_on(submits: Submits, number: int, code: int) -> None:
    with submits.start(PIPE, PIPE, **lasting(3)) as process:
        submits.train(3, process)
        process.send_signal(number)
        output, errors = process.communicate()
    assert (process.returncode, output) == (code, b"")
    assert errors.decode().splitlines()[-1] == AGAIN
    assert len(Run.open(submits.root).records) == 2
    goes_on(submits)


@pytest.mark.ray
@pytest.mark.parametrize(
    ("number", "code", "where"), [(signal.SIGINT, 130, {"SEQJOBS_TEST_RAY": "1"}), (signal.SIGTERM, 143, {})]
)
def test_a_signal_has_what_trains_saved_and_what_was_trained_is_not_trained_again(
    submits: Submits, number: int, code: int, where: dict[str, str]
) -> None:
    with submits.start(PIPE, PIPE, **lasting(2), **where) as process:
        submits.train(2, process)
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == code, errors
    # Nothing began behind it, also not what its worker had at hand.
    assert len(trainings(submits.notes)) == 2
    (path,) = RunPaths(root=submits.root).checkpoints.iterdir()
    checkpoint = CheckpointStore(LocalStore(submits.root)).load(path.stem)
    assert checkpoint is not None
    assert 0 < checkpoint.epochs < EPOCHS
    goes_on(submits)
    begun = [line.split() for line in submits.notes.read_text().splitlines() if line.startswith("begun")]
    assert [int(epoch) for *_, epoch in begun] == [0, 0, checkpoint.epochs, *[0] * (NUM_TRIALS - 2)]


@pytest.mark.parametrize("where", [{}, {"SEQJOBS_TEST_RAY": "1"}])
def test_a_second_ctrl_c_ends_at_once(submits: Submits, where: dict[str, str]) -> None:
    """Trials of which an epoch lasts an hour: nothing is committed, and no process is left."""
    spec = submits.root.parent.parent / "job.yaml"
    write_spec(spec.parent, TEXT.replace(str(float(Behaviour.SLOW)), str(float(Behaviour.SLEEP))))
    with submits.start(PIPE, PIPE, **where) as process:
        submits.train(1, process)
        below = psutil.Process(process.pid).children(recursive=True)
        segments = sorted((submits.root / "log").iterdir())
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while FIRST_NOTICE.encode() not in process.stderr.readline():
            pass
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.decode().splitlines() == [AGAIN]
    assert sorted((submits.root / "log").iterdir()) == segments
    assert Run.open(submits.root).status is RunStatus.INTERRUPTED
    _, alive = psutil.wait_procs(below, timeout=60)
    assert not alive


def test_a_second_ctrl_c_does_not_wait_for_what_hangs(submits: Submits) -> None:
    with submits.start(PIPE, PIPE, SEQJOBS_TEST_HANG="1", **lasting(2)) as process:
        submits.train(2, process)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.readline() == b"hanging\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    lines = errors.decode().splitlines()
    assert FIRST_NOTICE in lines
    assert lines[-1] == AGAIN
    goes_on(submits)


def test_sigterm_waits_for_what_hangs_no_longer_than_it_may(submits: Submits) -> None:
    with submits.start(PIPE, PIPE, SEQJOBS_TEST_HANG="1", SEQJOBS_TEST_GRACE="0.5", **lasting(2)) as process:
        submits.train(2, process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
    assert process.returncode == 143
    assert errors.decode().splitlines()[-1] == AGAIN
    assert not is_held(submits.root / "lock")
    assert Run.open(submits.root).status is RunStatus.INTERRUPTED


@pytest.mark.ray
def test_a_signal_ends_what_workers_are_at_and_leaves_no_process(submits: Submits) -> None:
    with submits.start(PIPE, PIPE, SEQJOBS_TEST_RAY="1", **lasting(2)) as process:
        submits.train(2, process)
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
    assert process.returncode == 143, errors
    assert below
    _, alive = psutil.wait_procs(below, timeout=30)
    assert not alive
    goes_on(submits)


def test_sighup_is_nothing_to_a_run(submits: Submits) -> None:
    with submits.start(PIPE, PIPE) as process:
        submits.train(2, process)
        process.send_signal(signal.SIGHUP)
        output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert b"6 finished" in output
    assert submits.ended_as_if_nothing_had_happened()


def test_a_terminal_that_is_closed_is_nothing_to_a_run(submits: Submits) -> None:
    ours, theirs = pty.openpty()
    with submits.start(theirs, theirs, TERM="xterm") as process:
        os.close(theirs)
        submits.train(2, process)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        process.wait()
    assert process.returncode == 0
    assert submits.ended_as_if_nothing_had_happened()


def test_pipes_that_nobody_reads_any_more_are_nothing_to_a_run(submits: Submits) -> None:
    with submits.start(PIPE, PIPE) as process:
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()
        process.wait()
    assert process.returncode == 0
    assert submits.ended_as_if_nothing_had_happened()


@pytest.mark.parametrize("redirected", ["<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_output_that_goes_nowhere_is_nothing_to_a_run(submits: Submits, redirected: str) -> None:
    with submits.start(None, None, redirected) as process:
        process.wait()
    assert process.returncode == 0
    assert submits.ended_as_if_nothing_had_happened()


def test_head_closes_the_pipe_and_the_run_ends_as_it_did(submits: Submits) -> None:
    with submits.start(None, PIPE, "| head -1 >first; true") as process:
        _, errors = process.communicate()
    assert b"Traceback" not in errors
    assert submits.ended_as_if_nothing_had_happened()
