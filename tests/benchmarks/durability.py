"""What it costs that every trial is on the disk before it counts: runs with fsync and without, taking turns.

Trials are faked, one after the other in this process, so that nothing else costs time: `python -m
tests.benchmarks.durability` prints seconds a trial as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from seqjobs.execution.in_process import InProcess
from seqjobs.jobspec.load import parse_job
from seqjobs.preview import plan_jobs
from seqjobs.results.progress import Silent
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from tests.benchmarks.empty_trials import SPEC, write_rows
from tests.fixtures.fake_runner import StartFake

REPEATS = 3
EPOCHS = 3


def measure(*, small: int, long: int) -> dict[str, float]:
    """Medians over REPEATS: of so many trials that take no time, and of so many that take a second."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_rows(root / "rows.parquet")
        for _ in range(REPEATS):
            for name, trials, seconds in (("small", small, 0.0), ("second", long, 1.0)):
                for kept, disk in (("with", contextlib.nullcontext()), ("without", _without_fsync())):
                    with disk:
                        found.setdefault(f"{name}_{kept}", []).append(_seconds(root, trials, seconds))
    return {
        "small_trials": small,
        "second_trials": long,
        **{name: statistics.median(values) for name, values in found.items()},
    }


def _seconds(root: Path, trials: int, each: float) -> float:
    """Of a trial, from the plan to the last file."""
    plan = plan_jobs([parse_job(SPEC, root / "job.yaml", (f"search.trials={trials}", "fit.pack=off"))])
    executor = InProcess(start=StartFake(epoch_seconds=each / EPOCHS))
    with tempfile.TemporaryDirectory(dir=root) as run:
        began = time.perf_counter()
        run_job(plan.table, executor, LocalStore(Path(run) / "one"), Silent())
        return (time.perf_counter() - began) / trials


@contextlib.contextmanager
def _without_fsync() -> Iterator[None]:
    real = os.fsync
    os.fsync = lambda fd: None  # noqa: ARG005 (named as the real one)
    try:
        yield
    finally:
        os.fsync = real


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--long", type=int, default=10)
    options = parser.parse_args()
    print(json.dumps(measure(small=options.small, long=options.long)))


if __name__ == "__main__":
    main()
