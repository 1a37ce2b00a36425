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
from seqjobs.execution.model_failures import refuse_models
from seqjobs.execution.ray_pool import RayPool
from seqjobs.execution.stopping import StopRequest
from seqjobs.jobspec.job_spec import JobSpec
from seqjobs.jobspec.load import NO_DATA, MissingDataError, load_jobs
from seqjobs.planning.column_problems import mistakes_in_specs
from seqjobs.planning.demand import demand_of
from seqjobs.planning.expansion import TrialTable, expand_jobs
from seqjobs.planning.trial import Pack, Trial
from seqjobs.results.progress import Progress, Silent
from seqjobs.results.run import Run
from seqjobs.results.run_choice import RunChoice
from seqjobs.results.run_folders import (
    failed_run,
    has_ended,
    new_run,
    no_failed_run,
    run_store,
    unfinished_runs,
)
from seqjobs.results.run_writer import RunWriter
from seqjobs.store.run_store import RunStore
from seqjobs.store.runs_folder import RunsFolder


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
        found = _finished(expand_jobs(error.jobs), run, RunsFolder(runs_dir))
    except SpecError:  # of what the jobs make together; a finished run has no such mistake
        raise error from None
    if found is None:
        raise error
    notify(_told_without_data(found, error))
    return Run.open(found)


def _finished(table: TrialTable, run: str | WhichRun | RetryFailed, runs: RunsFolder) -> RunStore | None:
    """Return the run that is named, if all of its trials have ended; None if none is named."""
    if not isinstance(run, str):
        return None
    store = run_store(runs, run)
    return store if has_ended(store, table) else None


def _told_without_data(store: RunStore, error: SeqjobsError) -> str:
    name, why = printable(store.name), f"{error.where}: {error.what}"
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
    table, runs, watcher = expand_jobs(jobs), RunsFolder(runs_dir), progress or Silent()
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
    choice = _run_choice(table, run, runs, notify)
    try:
        return _run(table, pool, choice, watcher, stop)
    except DataError as error:
        finished = _finished(table, run, runs) if error.code == NO_DATA else None
        if finished is None:
            raise
        notify(_told_without_data(finished, error))
        return Run.open(finished)


def _run_choice(
    table: TrialTable,
    run: str | WhichRun | RetryFailed,
    runs: RunsFolder,
    notify: Callable[[str], None],
) -> RunChoice:
    """Return the runs that come into question, and what happens if none of them can be worked on."""
    if isinstance(run, RetryFailed):
        if run.run_id is not None:
            store = failed_run(runs, run.run_id)
            return RunChoice(table, (), lambda: store, notify, retry_failed=True)
        failed = unfinished_runs(runs, table, retry_failed=True)
        return RunChoice(table, failed, lambda: no_failed_run(runs), notify, retry_failed=True)
    if isinstance(run, str):
        store = run_store(runs, run)
        return RunChoice(table, (), lambda: store, notify)
    unfinished = unfinished_runs(runs, table) if run is WhichRun.UNFINISHED else ()
    return RunChoice(table, unfinished, lambda: new_run(runs, table), notify, new_in=runs)


def run_job(
    table: TrialTable,
    executor: Executor,
    store: RunStore,
    progress: Progress,
    stop: StopRequest | None = None,
    *,
    retry_failed: bool = False,
) -> Run:
    """Carry out trials in the store of a run; what an earlier call committed there is not done again.

    Only trials that failed are, with `retry_failed`.
    """
    choice = RunChoice(table, (), lambda: store, retry_failed=retry_failed)
    return _run(table, executor, choice, progress, stop)


def _run(table: TrialTable, executor: Executor, choice: RunChoice, progress: Progress, stop: StopRequest | None) -> Run:
    _carry_out(table, executor, choice, progress, stop or StopRequest())
    # Read back only now, when the memory of the submit is free: both may be large.
    return Run.open(choice.store)


def _carry_out(table: TrialTable, executor: Executor, choice: RunChoice, progress: Progress, stop: StopRequest) -> None:
    with contextlib.closing(progress), choice:
        held = choice.open()
        if held.is_finished and held.has_same_files():
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
            held, plan = choice.plan(held, facts)
            for warning in plan.warnings:
                progress.warning(warning)
            if held.is_finished:
                choice.tell_finished()
                return
            progress.stage("checking models")
            refuse_models(plan, executor.check(_one_of_each_kind(held.packs_left(plan))))
            # What was handled is committed before workers are given back, which may take longer than the process has.
            with held.begin(plan, facts, progress, times) as run:
                _train(run.packs_left, run, executor, stop)
                if packs := run.packs_without_weights:
                    _train(packs, run, executor, stop)
                run.export_best(executor)


def _one_of_each_kind(packs: Sequence[Pack]) -> tuple[Trial, ...]:
    """Return a trial of each kind that is still to be trained: what is wrong with one is wrong with all."""
    first = {pack.template.key: pack.trials[0] for pack in reversed(packs)}
    return tuple(reversed(first.values()))


def _train(packs: Sequence[Pack], run: RunWriter, executor: Executor, stop: StopRequest) -> None:
    """Train packs until they have ended, or the stop is due. Raises KeyboardInterrupt if a stop was requested."""
    running = executor.run(packs, run.tries, run.checkpoint_of, stop.is_pending)
    with stop.accepting(), contextlib.closing(running) as events:
        for event in events:
            run.handle(event)
            if stop.is_over():
                break
    if stop.was_accepted:
        raise KeyboardInterrupt
    run.commit()
