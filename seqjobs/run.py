"""The whole story of a run: jobs -> trials -> data -> plan -> training -> results."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from seqjobs.data.file_times import file_times
from seqjobs.errors import DataError, SeqjobsError, SpecError
from seqjobs.errors.printable import printable
from seqjobs.execution.deadline import TimeLimits
from seqjobs.execution.executor import Executor
from seqjobs.execution.ray_pool import RayPool
from seqjobs.execution.stopping import StopRequest
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.jobspec.load import NO_DATA, MissingDataError, load_jobs
from seqjobs.planning.column_problems import mistakes_in_specs
from seqjobs.planning.demand import demand_of
from seqjobs.planning.expansion import TrialTable, expand_jobs
from seqjobs.planning.run_paths import RunPaths
from seqjobs.planning.trial import Pack
from seqjobs.results.progress import Progress, Silent
from seqjobs.results.run import Run
from seqjobs.results.run_choice import RunChoice
from seqjobs.results.run_folders import (
    failed_run,
    has_ended,
    local_folder,
    new_run_folder,
    no_failed_run,
    run_folder,
    unfinished_runs,
)
from seqjobs.results.session import Session


class WhichRun(Enum):
    """The run that a submit without a run ID works on."""

    NEW = "new"
    """A new one."""
    UNFINISHED = "unfinished"
    """The newest unfinished run of the same jobs and data that no process works on; if there is none, a new one."""


@dataclass(frozen=True)
class RetryFailed:
    """The existing run of this ID, whose failed trials are trained again, whatever their cause.

    Without an ID it is the newest run of the same jobs and data that has failed trials or is unfinished.
    """

    run_id: str | None = None


def submit(
    specs: Sequence[str | Path],
    *,
    run: str | None = None,
    runs_dir: str | Path = "runs",
    workers: int | None = None,
    address: str | None = None,
    overrides: Sequence[str] = (),
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train the jobs in the spec files on Ray as one run, and return it; see `submit_jobs`.

    With `run` an existing run of that ID is resumed; without it, each call starts a new run. With `retry_failed` the
    failed trials of an existing run are trained again, without `run` those of the newest run of the jobs that has any.
    """
    which = RetryFailed(run) if retry_failed else run or WhichRun.NEW
    try:
        jobs = load_jobs(specs, overrides)
    except MissingDataError as error:
        return finished_without_data(error, run=which, runs_dir=runs_dir)
    return submit_jobs(jobs, run=which, runs_dir=runs_dir, workers=workers, address=address, progress=progress)


def finished_without_data(
    error: MissingDataError,
    *,
    run: str | WhichRun | RetryFailed,
    runs_dir: str | Path,
    notify: Callable[[str], None] = lambda _: None,
) -> Run:
    """Return the named, finished run of jobs whose data files are gone; for the arguments see `submit_jobs`.

    Data that is not there cannot be compared with that of the run. Raises the error itself if there is no such run.
    """
    try:
        found = _finished(expand_jobs(error.jobs), run, local_folder(runs_dir))
    except SpecError:  # of what the jobs make together; a finished run has no such mistake
        raise error from None
    if found is None:
        raise error
    notify(_told_without_data(found, error))
    return Run.open(found.root)


def _finished(table: TrialTable, run: str | WhichRun | RetryFailed, runs_dir: Path) -> RunPaths | None:
    """Return the run that is named, if all of its trials have ended; None if none is named."""
    if not isinstance(run, str):
        return None
    paths = run_folder(runs_dir, run)
    return paths if has_ended(paths, table) else None


def _told_without_data(paths: RunPaths, error: SeqjobsError) -> str:
    name, why = printable(paths.root.name), f"{error.where}: {error.what}"
    return f"run {name} is finished; its data was not compared, since it cannot be read: {why}"


def submit_jobs(
    jobs: Sequence[JobSpec],
    *,
    run: str | WhichRun | RetryFailed = WhichRun.NEW,
    runs_dir: str | Path = "runs",
    workers: int | None = None,
    address: str | None = None,
    progress: Progress | None = None,
    stop: StopRequest | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Run:
    """Train jobs on Ray as one run, and return it.

    Args:
        jobs: What to train.
        run: Run ID, of which an existing run is resumed; or how to find the run.
        runs_dir: The folder of runs.
        workers: The most workers to use.
        address: A Ray cluster. Without it the cluster of `seqjobs up` is used, or a local one is started and ended
            with the run.
        progress: What watches the run.
        stop: The request to end early. If it was accepted, KeyboardInterrupt is raised once all is saved.
        notify: Called with what the user should know: which run is resumed or finished, why a warm cluster is not
            used.

    Raises:
        SeqjobsError: Of a kind for each cause.
    """
    table, folder, watcher = expand_jobs(jobs), local_folder(runs_dir), progress or Silent()
    pool = RayPool(
        demand_of(table),
        workers=workers,
        address=address,
        use_kept=True,
        limits=TimeLimits.of(table),
        notify=notify,
        stage=watcher.stage,
        warn=watcher.warning,
    )
    choice = _run_choice(table, run, folder, watcher, notify)
    try:
        return _run(table, pool, choice, watcher, stop)
    except DataError as error:
        finished = _finished(table, run, folder) if error.code == NO_DATA else None
        if finished is None:
            raise
        notify(_told_without_data(finished, error))
        return Run.open(finished.root)


def _run_choice(
    table: TrialTable,
    run: str | WhichRun | RetryFailed,
    runs_dir: Path,
    progress: Progress,
    notify: Callable[[str], None],
) -> RunChoice:
    """Return the runs that come into question, and what happens if none of them can be worked on."""
    if isinstance(run, RetryFailed):
        if run.run_id is not None:
            paths = failed_run(runs_dir, run.run_id)
            return RunChoice(table, progress, (), lambda: paths, notify, retry_failed=True)
        failed = unfinished_runs(runs_dir, table, retry_failed=True)
        return RunChoice(table, progress, failed, lambda: no_failed_run(runs_dir), notify, retry_failed=True)
    if isinstance(run, str):
        paths = run_folder(runs_dir, run)
        return RunChoice(table, progress, (), lambda: paths, notify)
    unfinished = unfinished_runs(runs_dir, table) if run is WhichRun.UNFINISHED else ()
    return RunChoice(table, progress, unfinished, lambda: new_run_folder(runs_dir, table), notify, is_new=True)


def run_job(
    table: TrialTable,
    executor: Executor,
    paths: RunPaths,
    progress: Progress,
    stop: StopRequest | None = None,
    *,
    retry_failed: bool = False,
) -> Run:
    """Carry out trials in a run folder; what an earlier call committed there is not done again.

    Only trials that failed are, with `retry_failed`.
    """
    choice = RunChoice(table, progress, (), lambda: paths, retry_failed=retry_failed)
    return _run(table, executor, choice, progress, stop)


def _run(table: TrialTable, executor: Executor, choice: RunChoice, progress: Progress, stop: StopRequest | None) -> Run:
    _carry_out(table, executor, choice, progress, stop or StopRequest())
    # Read back only now, when the memory of the session is free: both may be large.
    return Run.open(choice.paths.root)


def _carry_out(table: TrialTable, executor: Executor, choice: RunChoice, progress: Progress, stop: StopRequest) -> None:
    with contextlib.closing(progress), choice:
        session = choice.open()
        if session.is_finished and session.has_same_files():
            choice.tell_finished()
            return
        stop.limit(table.run_seconds)
        times = {source.id: file_times(source) for source in table.datasets}
        with executor:
            progress.stage("reading data")
            with mistakes_in_specs(table):
                facts = executor.load(table.datasets)
            for warning in dict.fromkeys(text for dataset in facts.values() for text in dataset.warnings):
                progress.warning(warning)
            session = choice.examined(session, facts)
            if session.is_finished:
                choice.tell_finished()
                return
            with session.at_work():
                progress.stage("checking models")
                session.refuse(executor.check(session.trials_to_check))
                session.begin(facts, times)
                _train(session.packs_left, session, executor, stop)
                if packs := session.packs_without_weights:
                    _train(packs, session, executor, stop)
                session.export_best(executor)


def _train(packs: Sequence[Pack], session: Session, executor: Executor, stop: StopRequest) -> None:
    """Train packs until they have ended, or the stop is due. Raises KeyboardInterrupt if a stop was requested."""
    running = executor.run(packs, session.tries, session.checkpoint_of, stop.is_pending)
    with stop.accepting(), contextlib.closing(running) as events:
        for event in events:
            session.handle(event)
            if stop.is_over():
                break
    if stop.was_accepted:
        raise KeyboardInterrupt
    session.commit()
