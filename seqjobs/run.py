"""The whole story of a run: jobs -> plan -> data -> training -> results."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from seqjobs.errors.printable import printable
from seqjobs.execution.executor import Executor
from seqjobs.execution.ray_pool import RayPool
from seqjobs.execution.stopping import StopWish
from seqjobs.planning.cycles import seldom_sought
from seqjobs.planning.demand import demand_of
from seqjobs.planning.plan import Plan, make_plan
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.progress import Progress, Silent
from seqjobs.results.run import Run
from seqjobs.results.run_folders import new_run_id, run_folder
from seqjobs.results.session import Session
from seqjobs.spec.job_spec import JobSpec
from seqjobs.spec.load import load_jobs
from seqjobs.storage.mounts import is_in_memory


def submit(
    specs: Sequence[str | Path],
    *,
    run: str | None = None,
    runs_dir: str | Path = "runs",
    workers: int | None = None,
    address: str | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Trains the jobs in the spec files on Ray as one run, and returns it; see `submit_jobs`."""
    jobs = load_jobs(specs, overrides)
    return submit_jobs(jobs, run=run, runs_dir=runs_dir, workers=workers, address=address, progress=progress)


def submit_jobs(
    jobs: Sequence[JobSpec],
    *,
    run: str | None = None,
    runs_dir: str | Path = "runs",
    workers: int | None = None,
    address: str | None = None,
    progress: Progress | None = None,
    stop: StopWish | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Run:
    """Trains jobs on Ray as one run, and returns it.

    `run` is the run's id: a new one starts, one that is there goes on where it stopped. `address` is that of a Ray
    cluster; without it the one that `seqjobs up` keeps is used, or a local one is started, and ended with the run.
    `notify` is told why a cluster that is kept is not used, and of a folder that no restart outlasts. Where `stop` was
    heeded, KeyboardInterrupt is raised once all is saved. Raises SeqjobsError.
    """
    plan = make_plan(jobs)
    paths = run_folder(Path(runs_dir), run or new_run_id(plan))
    if is_in_memory(paths.root):
        notify(f"{printable(str(paths.root))} lies in memory: nothing of the run outlasts a restart of this machine")
    pool = RayPool(
        demand_of(plan), workers=workers, address=address, use_kept=True, run_seconds=plan.run_seconds, notify=notify
    )
    return run_job(plan, pool, paths, progress or Silent(), stop)


def run_job(plan: Plan, executor: Executor, paths: RunPaths, progress: Progress, stop: StopWish | None = None) -> Run:
    """Carries out a plan in a run folder; what an earlier call committed there is not done again."""
    with seldom_sought():
        _carry_out(plan, executor, paths, progress, stop or StopWish())
        # Read back only now, when all that the session held has been given back: there may be much of both.
        return Run.open(paths.root)


def _carry_out(plan: Plan, executor: Executor, paths: RunPaths, progress: Progress, stop: StopWish) -> None:
    with contextlib.closing(progress), Session(plan, paths, progress) as session:
        if session.is_finished:
            return
        stop.limit(plan.run_seconds)
        progress.stage("starting workers")
        with executor, session.at_work():
            progress.stage("reading data")
            facts = executor.load(plan.datasets)
            for warning in dict.fromkeys(text for found in facts.values() for text in found.warnings):
                progress.warning(warning)
            session.examine(facts)
            progress.stage("checking models")
            session.refuse(executor.check(session.trials_to_check))
            session.begin(facts)
            running = executor.run(session.packs_left, session.tries, session.checkpoint_of, stop.is_there)
            with stop.heeded(), contextlib.closing(running) as events:
                for event in events:
                    session.handle(event)
                    if stop.is_over():
                        break
            if stop.came_by_signal:
                raise KeyboardInterrupt
            session.commit()
            session.export_best(executor)
