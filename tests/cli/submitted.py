"""`python -m tests.cli.submitted submit ...`: the command line, training with fakes.

It trains in this process, or in workers of Ray with `SEQJOBS_TEST_RAY=1`. With `SEQJOBS_TEST_HANG=1`, giving back what
the run used takes an hour, as where Ray's servers do not answer. `SEQJOBS_TEST_NOTES` is the file in which trainings
are noted, and `SEQJOBS_TEST_LOGS` the folder for a copy of Ray's logs. `SEQJOBS_TEST_ALLOCATE`, `SEQJOBS_TEST_SLOW` and
`SEQJOBS_TEST_SLOW_FROM` are the fields of `StartFake` with these names.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqjobs import run
from seqjobs.cli import interruption
from seqjobs.cli.main import main
from seqjobs.execution.executor import Executor
from seqjobs.execution.in_process import InProcess
from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.resources import Resources
from tests.fixtures.fake_runner import StartFake


class Around:
    """An executor that is another one until it is left."""

    def __init__(self, inner: Executor) -> None:
        self.inner = inner

    def __enter__(self) -> Any:
        self.inner.__enter__()
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Hanging(Around):
    """It takes an hour to leave."""

    def __exit__(self, *_: object) -> None:
        print("hanging", flush=True)
        time.sleep(3600)


class Copying(Around):
    """The logs of its cluster are copied before it is left."""

    def __exit__(self, *arguments: Any) -> None:
        import ray  # noqa: PLC0415

        session = Path(ray._private.worker._global_node.get_session_dir_path())
        shutil.copytree(session, os.environ["SEQJOBS_TEST_LOGS"], ignore=shutil.ignore_patterns("sockets"))
        self.inner.__exit__(*arguments)


def pool(demand: Mapping[Resources, int], *, workers: int | None, **_: object) -> Executor:
    """Stands in for `RayPool` in `submit_jobs`."""
    notes, allocate = Path(os.environ["SEQJOBS_TEST_NOTES"]), int(os.environ.get("SEQJOBS_TEST_ALLOCATE", "0"))
    slow = float(os.environ.get("SEQJOBS_TEST_SLOW", "0.1"))
    slow_from = int(os.environ.get("SEQJOBS_TEST_SLOW_FROM", "0"))
    start = StartFake(notes=notes, slow=slow, slow_from=slow_from, allocate=allocate)
    executor: Executor = InProcess(start=start)
    if os.environ.get("SEQJOBS_TEST_RAY"):
        executor = RayPool(demand, workers=workers, start=start)
    elif os.environ.get("SEQJOBS_TEST_HANG"):
        executor = Hanging(InProcess(start=start))
    if "SEQJOBS_TEST_LOGS" in os.environ:
        executor = Copying(executor)
    return executor


if __name__ == "__main__":
    # As a shell starts a command: the parent process may ignore them, as in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    vars(run)["RayPool"] = pool
    interruption.GRACE_SECONDS = float(os.environ.get("SEQJOBS_TEST_GRACE", "15"))
    main()
