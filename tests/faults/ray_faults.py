"""Faults of Ray, one run each: `python -m tests.faults.ray_faults [NAME ...]`, all of them if none is named.

Each is a submit of the command line, with fake workers on a cluster of its own, to which something is done. They take
half a minute each; some are part of the tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import psutil

from seqjobs.results.run import Run
from tests.conftest import POINTS_SPEC, ROOT
from tests.faults.node_faults import kill_raylets, lose_drained
from tests.fixtures.command_line import SUBMITTED, start
from tests.fixtures.fake_runner import Behaviour, trainings
from tests.fixtures.files import write_spec
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import paths_of
from tests.fixtures.runs import committed, do, result, write_points

NUM_TRIALS = 6
# Of two programs, so that trials of the first end while those of the second are at work.
TWO = POINTS_SPEC.replace("units: 8", f"units: {{choice: [8, {Behaviour.SLOW:d}]}}")
TEXT = TWO + f"search: {{sampler: grid, repeats: {NUM_TRIALS // 2}}}\nlimits: {{retries: 0}}\n"
RAY = {"SEQJOBS_TEST_RAY": "1"}
MOST_SUBMITS = 5
# What workers may take in all before Ray ends them.
ROOM_BYTES = 2 * 2**30


class Submits:
    """Submits of one spec as one run, each on a cluster of its own."""

    def __init__(self, folder: Path, text: str = TEXT) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        self.root = folder / "runs" / "one"
        write_points(folder)
        write_spec(folder, text)

    def start(self, **variables: str) -> subprocess.Popen[str]:
        arguments = ["submit", "job.yaml", "--run", "one", "--runs-dir", "runs", "--workers", "2"]
        variables = {"PYTHONPATH": str(ROOT), "SEQJOBS_TEST_NOTES": str(self.notes), **variables}
        return start(*arguments, folder=self.folder, command=SUBMITTED, variables=variables)

    def train(self, process: subprocess.Popen[str]) -> None:
        """Waits until some trials have ended and others are at work."""
        while len(committed(self.root)) < 2 and process.poll() is None:
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()

    def assert_finishes(self, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        """A submit ends well, trains nothing again that is done, and the result is that of a run without faults."""
        done, before = committed(self.root), len(trainings(self.notes))
        process = self.start(**variables)
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr
        assert not done & set(trainings(self.notes)[before:])
        assert Run.open(self.root).num_finished == NUM_TRIALS
        do(plan_of(self.folder / "job.yaml"), self.folder / "golden")
        assert result(self.root) == result(self.folder / "golden")


def lose(folder: Path, *, names: tuple[str, ...], again: Mapping[str, str]) -> None:
    """Processes of the local cluster are killed, all if none is named; then the run is finished on another."""
    submits = Submits(folder)
    process = submits.start(**RAY, SEQJOBS_TEST_SLOW="3600")  # the second program's trials are at work for sure
    submits.train(process)
    for child in psutil.Process(process.pid).children(recursive=True):
        if not names or child.name() in names:
            child.kill()
    _, stderr = process.communicate()
    assert process.returncode == 4, stderr
    (told,) = [line for line in stderr.splitlines() if "lost" in line]
    assert told.startswith("the cluster is lost: its "), told
    assert told.endswith("Fix: run the same command again to resume. [E520]"), told
    assert "Traceback" not in stderr
    submits.assert_finishes(again)


def disturb(folder: Path, **variables: str) -> None:
    """Ray loses or delays messages: a submit ends well or says that the cluster is lost, and the next ones go on."""
    submits = Submits(folder, TEXT.replace("retries: 0", "retries: 3"))
    for number in range(MOST_SUBMITS):
        logs = folder / f"logs-{number}"
        process = submits.start(**RAY, **variables, SEQJOBS_TEST_LOGS=str(logs))
        _, stderr = process.communicate()
        told = [stderr, *(path.read_text(errors="replace") for path in logs.rglob("*.*") if path.is_file())]
        injected = sum(text.count("Inject RPC") for text in told)
        ended = len(committed(submits.root))
        print(f"  left with {process.returncode}, {ended} trials have ended, {injected} calls of it failed", flush=True)
        assert process.returncode in (0, 4), stderr
        assert "Traceback" not in stderr, stderr
        if process.returncode == 0:
            break
    submits.assert_finishes()


def fill(folder: Path) -> None:
    """A trial takes more memory than Ray lets its node have: it is tried once more, alone, and fails of that."""
    rate = f"learning_rate: {{choice: [{float(Behaviour.ALLOCATE)}, 0.1, 0.2, 0.3]}}"
    text = POINTS_SPEC.replace("learning_rate: 0.01", rate) + "search: {sampler: grid}\nlimits: {retries: 5}\n"
    submits, memory = Submits(folder, text), psutil.virtual_memory()
    threshold = (memory.total - memory.available + ROOM_BYTES) / memory.total
    variables = {"RAY_memory_usage_threshold": f"{threshold:.3f}", "RAY_memory_monitor_refresh_ms": "50"}
    process = submits.start(**RAY, **variables, SEQJOBS_TEST_ALLOCATE=str(2 * ROOM_BYTES))
    _, stderr = process.communicate()
    assert process.returncode == 1, stderr
    run = Run.open(submits.root)
    assert (run.num_finished, run.num_failed) == (3, 1)
    assert run.leaderboard.entries[-1].failure.startswith("out-of-memory: its worker died: "), stderr
    assert max(Counter(trainings(submits.notes)).values()) == 2


def crowd(folder: Path) -> None:
    """Weights come to more than the object store holds: they go out of it as fast as they come in."""
    rate = f"learning_rate: {{choice: [{float(Behaviour.LARGE)}]}}"
    text = (
        POINTS_SPEC.replace("learning_rate: 0.01", rate) + "search: {sampler: grid, repeats: 200}\nkeep: {best: 200}\n"
    )
    submits = Submits(folder, text)
    process = submits.start(**RAY, RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES=str(80 * 10**6))
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    run = Run.open(submits.root)
    assert run.num_finished == 200
    kept = sum(path.stat().st_size for path in paths_of(run).weights.iterdir())
    assert kept > 200 * 10**6


def begin_together(folder: Path) -> None:
    """Two runs start the first Ray of a user whose home is empty at the same moment."""
    home = folder / "home"
    home.mkdir()
    both = []
    for name in ("a", "b"):
        (folder / name).mkdir()
        both.append(Submits(folder / name))
    started = [submits.start(**RAY, HOME=str(home)) for submits in both]
    for submits, process in zip(both, started, strict=True):
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr
        assert Counter(trainings(submits.notes)) == Counter(committed(submits.root))
        submits.assert_finishes()


def _failing(method: str, count: int, *shares: int) -> str:
    """`shares` of calls never arrive, lose their answers, or are told as lost while they are at work."""
    keys = ("req_failure_prob", "resp_failure_prob", "in_flight_failure_prob")
    return json.dumps({method: {"num_failures": count, **dict(zip(keys, shares, strict=True))}})


PUSH, LEASE = "CoreWorkerService.grpc_client.PushTask", "NodeManagerService.grpc_client.RequestWorkerLease"
FAULTS: dict[str, Callable[[Path], None]] = {
    "gcs": partial(lose, names=("gcs_server",), again=RAY),
    "raylet": partial(lose, names=("raylet",), again={}),
    "everything": partial(lose, names=(), again=RAY),
    "raylets": kill_raylets,
    "drained": lose_drained,
    "together": begin_together,
    "memory": fill,
    "store": crowd,
    "rpc": partial(disturb, RAY_testing_rpc_failure=_failing("*", -1, 25, 25, 10)),
    "rpc-some": partial(disturb, RAY_testing_rpc_failure=_failing("*", -1, 5, 5, 5)),
    "rpc-push": partial(disturb, RAY_testing_rpc_failure=_failing(PUSH, 20, 25, 25, 10)),
    "rpc-lease": partial(disturb, RAY_testing_rpc_failure=_failing(LEASE, 20, 25, 25, 10)),
    "delays": partial(disturb, RAY_testing_asio_delay_us="*=0:20000"),
}
"""By name. `rpc` is more than Ray holds out: its head takes a node for dead whose answers are lost so often. Delays of
0.2 s are too: its driver aborts as it starts."""


def main(names: list[str]) -> None:
    for name in names or FAULTS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            FAULTS[name](Path(folder))
        print(f"{name}: held, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
