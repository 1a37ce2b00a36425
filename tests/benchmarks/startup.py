"""`python -m tests.benchmarks.startup`: a start cut into parts, in seconds, as one JSON object.

Every part is measured in processes of its own, with files that were read before in memory; the least of several tries
where a try is short.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from seqjobs.execution import ray_cluster
from seqjobs.execution.events import AttemptStarted, EpochEnded, Event
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.kept import cluster
from seqjobs.execution.ray_pool import RayPool
from seqjobs.jobspec.load import load_job
from seqjobs.planning.resources import Resources
from seqjobs.preview import plan_jobs
from seqjobs.results.progress import Silent, Standing
from seqjobs.run import submit_jobs

ROOT = Path(__file__).parent.parent.parent
SPEC = ROOT / "jobs" / "quickstart.yaml"
OVERRIDES = ("search.trials=2", "fit.epochs=2")
TRIES = 5


def measure() -> Mapping[str, float]:
    """Part -> seconds, in the order in which they come in a start; the last ones are whole starts."""
    with _state_of_its_own():
        found = {
            "interpreter": _least(lambda: _run("-c", "pass")),
            "seqjobs --help": _least(lambda: _run("-m", "seqjobs.cli.main", "--help")),
            "seqjobs validate": _least(lambda: _run("-m", "seqjobs.cli.main", "validate", str(SPEC))),
            "import of what submit needs": _said_by("imports", tries=TRIES)["imports"],
            **_said_by("ray", tries=TRIES),
            "ray.init as Ray does it": _said_by("ray", SEQJOBS_PLAIN_RAY="1")["ray.init"],
            **_said_by("worker"),
            **_said_by("first_epoch"),
        }
        found |= _named("nothing up", _said_by("submit"))
        cluster.up()
        found |= _named("first submit after up", _said_by("submit"))
        found |= _named("next submit after up", _said_by("submit"))
        return found


def _named(state: str, times: Mapping[str, float]) -> Mapping[str, float]:
    return {f"{state}: {name}": value for name, value in times.items()}


@contextmanager
def _state_of_its_own() -> Iterator[None]:
    """No cluster that the user keeps takes part, and ours does not stay."""
    before = os.environ.get("XDG_STATE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        try:
            yield
        finally:
            cluster.down(force=True)
            os.environ.pop("XDG_STATE_HOME")
            if before is not None:
                os.environ["XDG_STATE_HOME"] = before


def _run(*arguments: str, **environment: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    ).stdout


def _least(measured: Callable[[], object]) -> float:
    times = []
    for _ in range(TRIES):
        began = time.perf_counter()
        measured()
        times.append(time.perf_counter() - began)
    return min(times)


def _said_by(part: str, *, tries: int = 1, **environment: str) -> Mapping[str, float]:
    """The least of what `python -m tests.benchmarks.startup PART` says, several times."""
    command = ("-m", "tests.benchmarks.startup", part)
    said = [json.loads(_run(*command, **environment).splitlines()[-1]) for _ in range(tries)]
    return {name: min(times[name] for times in said) for name in said[0]}


def imports() -> Mapping[str, float]:
    """In a process of its own once more: this one has imported most of it."""
    code = "import time; t = time.perf_counter(); import seqjobs.cli.commands.submit; print(time.perf_counter() - t)"
    return {"imports": float(_run("-c", code))}


def ray() -> Mapping[str, float]:
    code = "import time; t = time.perf_counter(); import ray; print(time.perf_counter() - t)"
    importing = float(_run("-c", code))
    began = time.perf_counter()
    with ray_cluster.connected(None) as connected:
        initialized = time.perf_counter()
        actor = connected.remote(_Nothing).remote()
        connected.get(actor.answer.remote())
        answered = time.perf_counter()
    return {
        "import ray": importing,
        "ray.init": initialized - began - importing,
        "first actor": answered - initialized,
        "ray.shutdown": time.perf_counter() - answered,
    }


class _Nothing:
    def answer(self) -> int:
        return 42


def worker() -> Mapping[str, float]:
    """TensorFlow's import in one worker, the start of its process included."""
    with RayPool({Resources(): 1}, workers=1) as pool:
        began = time.perf_counter()
        pool.describe()
        return {"TensorFlow in a worker": time.perf_counter() - began}


def first_epoch() -> Mapping[str, float]:
    """The first epoch of a program, which is built and traced for it, and of the next trial of it, in one process."""
    plan = plan_jobs([load_job(SPEC, (*OVERRIDES, "model.0.Dense.units=32", "model.1.Dropout.rate=0.1"))])
    times: list[float] = []
    with InProcess() as executor:
        executor.load(plan.datasets)
        began = 0.0
        for event in executor.run(plan.packs, {}):
            if isinstance(event, AttemptStarted):
                began = time.perf_counter()
            elif isinstance(event, EpochEnded) and began:
                times.append(time.perf_counter() - began)
                began = 0.0
    return {"first epoch of a program": times[0], "first epoch of its next trial": times[1]}


def submit() -> Mapping[str, float]:
    """A whole start, as `seqjobs submit` does it, counted from the start of this process."""
    watch = _Watch()
    with tempfile.TemporaryDirectory() as folder:
        submit_jobs([load_job(SPEC, OVERRIDES)], runs_dir=folder, progress=watch)
    return {**watch.seen, "process start to leaderboard": _age()}


class _Watch(Silent):
    """Notes when things happen for the first time."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}

    def event(self, event: Event, standing: Standing) -> None:  # noqa: ARG002
        if isinstance(event, AttemptStarted):
            self.seen.setdefault("process start to training", _age())
        elif isinstance(event, EpochEnded):
            self.seen.setdefault("process start to first epoch", _age())


def _age() -> float:
    """Seconds since this process was started, interpreter and imports included."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


PARTS = {part.__name__: part for part in (imports, ray, worker, first_epoch, submit)}


def main() -> None:
    measured = PARTS[sys.argv[1]]() if len(sys.argv) > 1 else measure()
    print(json.dumps({name: round(value, 3) for name, value in measured.items()}))


if __name__ == "__main__":
    main()
