"""`python -m tests.execution.kept.driver SPEC RUNS_DIR RUN`: a submit with fake workers, in a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from seqjobs.execution.ray_pool import RayPool
from seqjobs.planning.demand import demand_of
from seqjobs.results.progress import Silent
from seqjobs.results.run_folders import run_store
from seqjobs.run import run_job
from seqjobs.store.runs_folder import RunsFolder
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.plans import plan_of


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("spec", type=Path)
    parser.add_argument("runs_dir", type=Path)
    parser.add_argument("run")
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--epoch-seconds", type=float, required=True)
    parser.add_argument("--workers", type=int)
    parser.add_argument("-S", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    plan = plan_of(arguments.spec, *arguments.overrides)
    pool = RayPool(
        demand_of(plan.table),
        workers=arguments.workers,
        start=StartFake(notes=arguments.notes, epoch_seconds=arguments.epoch_seconds),
        use_kept=True,
        notify=lambda text: print(text, file=sys.stderr),
    )
    run = run_job(plan.table, pool, run_store(RunsFolder(arguments.runs_dir), arguments.run), Silent())
    print(run.status)


if __name__ == "__main__":
    main()
