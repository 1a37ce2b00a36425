"""seqjobs on Ray workers, commit log and all: `python -m tests.benchmarks.subject.pool FOLDER [-S path=value]`."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from seqjobs.execution.ray_pool import RayPool
from seqjobs.jobspec.load import load_job
from seqjobs.planning.demand import demand_of
from seqjobs.planning.plan import Plan
from seqjobs.preview import plan_jobs
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from tests.benchmarks.stopwatch import Stopwatch
from tests.benchmarks.timing import PoolTiming, process_seconds
from tests.fixtures.warm_pool import Warm

WORKERS = 2


def measure(plan: Plan, repeats: int, workers: int = WORKERS) -> PoolTiming:
    """Carries the plan out `repeats` times, each in a run folder of its own, with workers that stay warm."""
    seconds, whole = [], []
    startup = 0.0
    with tempfile.TemporaryDirectory() as folder, RayPool(demand_of(plan.table), workers=workers) as pool:
        for repeat in range(repeats):
            stopwatch = Stopwatch(workers)
            run = run_job(plan.table, Warm(pool), LocalStore(Path(folder) / f"run-{repeat}"), stopwatch)
            startup = startup or process_seconds() - (time.perf_counter() - stopwatch.first_end)
            if run.num_finished != run.num_total:
                raise RuntimeError(f"{run.num_finished} of {run.num_total} trials finished")
            whole.append(time.perf_counter() - stopwatch.began)
            seconds.append(stopwatch.seconds_per_trial)
    return PoolTiming(
        seconds=tuple(seconds),
        trials=len(plan.trials),
        packs=len(plan.packs),
        compiled=stopwatch.compiled,
        run_seconds=tuple(whole),
        startup_seconds=startup,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("-S", dest="overrides", action="append", default=[])
    options = parser.parse_args()
    plan = plan_jobs([load_job(options.folder / "job.yaml", options.overrides)])
    print(measure(plan, options.repeats, options.workers).model_dump_json(), flush=True)


if __name__ == "__main__":
    main()
