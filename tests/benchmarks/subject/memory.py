"""How a worker's memory grows: `python -m tests.benchmarks.subject.memory FOLDER --trials N --warm-up W`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import psutil

from seqjobs.execution.in_process import InProcess
from seqjobs.jobspec.load import load_job
from seqjobs.preview import plan_jobs
from tests.benchmarks.results import MemoryGrowth
from tests.benchmarks.rows import read_workload
from tests.benchmarks.subject.one_core import OneCore


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--warm-up", type=int, required=True)
    options = parser.parse_args()
    print(measure(options.folder, options.trials, options.warm_up).model_dump_json(), flush=True)


def measure(folder: Path, trials: int, warm_up: int) -> MemoryGrowth:
    """The growth of this process's RSS over `trials` trials, the first `warm_up` of which are left out."""
    # Repeats of one assignment have seeds of their own, so each is trained by itself.
    overrides = ("search.trials=1", f"search.repeats={trials}")
    plan = plan_jobs([load_job(folder / "job.yaml", overrides)])
    with InProcess() as executor:
        executor.load(plan.datasets)
        core = OneCore(executor=executor, workload=read_workload(folder), folder=folder, trials=trials)
        for pack in plan.packs[:warm_up]:
            core.train(pack)
        before, began = psutil.Process().memory_info().rss, time.perf_counter()
        for pack in plan.packs[warm_up:]:
            core.train(pack)
        after, ended = psutil.Process().memory_info().rss, time.perf_counter()
    return MemoryGrowth(
        trials=trials,
        warm_up=warm_up,
        growth_mb=(after - before) / 1e6,
        seconds_per_trial=(ended - began) / (trials - warm_up),
    )


if __name__ == "__main__":
    main()
