"""The folders of runs: new ones, unfinished ones, and those that a person names."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from seqjobs.errors import NotFoundError, RunFolderError, SeqjobsError
from seqjobs.errors.problems import shown
from seqjobs.jobspec.sections import NAME_PATTERN
from seqjobs.planning.expansion import TrialTable
from seqjobs.results.best_models import best_models
from seqjobs.results.log_records import says_finished
from seqjobs.results.manifest import StoredTrial, created_of, is_same_plan, plan_digest, plan_digest_of
from seqjobs.results.run import Run, RunStatus
from seqjobs.results.run_log import last_segment, read_segment
from seqjobs.results.run_names import CHECKPOINTS, DAMAGED, LOG, PLAN, TRIAL_LOGS, WEIGHTS
from seqjobs.store.local_store import LocalStore
from seqjobs.store.run_store import RunStore, is_there
from seqjobs.store.runs_folder import RunsFolder, store_at

MAX_ID_LENGTH = 63
# A submit that was stopped before its first trial may have left these.
_BEFORE_THE_PLAN = frozenset({LOG, WEIGHTS, TRIAL_LOGS, CHECKPOINTS})


def new_run_id(table: TrialTable) -> str:
    """Return a name that sorts by time and says what the run is: `20261122-231500-quickstart`."""
    name = table.jobs[0].name if len(table.jobs) == 1 else f"{len(table.jobs)}-jobs"
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"[:MAX_ID_LENGTH]


def run_store(runs: RunsFolder, run_id: str) -> RunStore:
    """Return the store of a run. Raises RunFolderError: E701 for an invalid ID, E601 if it holds something else."""
    if not re.fullmatch(NAME_PATTERN, run_id):
        what = f"{shown(run_id)} is not a run ID: lower-case letters, digits, '.', '_', '-', at most 63 characters"
        raise RunFolderError("E701", what, fix="choose another --run.")
    store = runs.store(run_id)
    try:
        names = store.list()
    except FileNotFoundError:
        return store
    except NotADirectoryError:
        what, fix = "this is a file, not a run's folder", "choose another --run."
        raise RunFolderError("E601", what, where=store.where(), fix=fix) from None
    strange = [name for name in names if name not in _BEFORE_THE_PLAN]
    if strange and PLAN not in names:
        what = f"this folder holds something other than a run ({', '.join(strange[:3])})"
        raise RunFolderError("E601", what, where=store.where(), fix="choose another --run.")
    return store


def new_run(runs: RunsFolder, table: TrialTable) -> RunStore:
    """Make the store of a new run, and return it; submits of the same second get different ones.

    Raises StorageError E606.
    """
    return runs.make(new_run_id(table), longest=MAX_ID_LENGTH)


def failed_run(runs: RunsFolder, run_id: str) -> RunStore:
    """Return the store of a run that exists. Raises NotFoundError E611, RunFolderError E701."""
    store = run_store(runs, run_id)
    if not is_there(store, PLAN):
        fix = "see `seqjobs ls`, or leave out --retry-failed."
        raise NotFoundError("E611", f"there is no run '{run_id}' to retry", where=runs.where, fix=fix)
    return store


def no_failed_run(runs: RunsFolder) -> RunStore:
    """Raise NotFoundError E618: no run of a plan has anything left to do, or failed trials."""
    what = "no run of these specs and this data has failed trials"
    raise NotFoundError("E618", what, where=runs.where, fix="see `seqjobs ls`, or leave out --retry-failed.")


def unfinished_runs(runs: RunsFolder, table: TrialTable, *, retry_failed: bool = False) -> Iterator[RunStore]:
    """Yield the runs of these trials that have something left to do and that no process works on, newest first.

    They are those that `submit --run ID` would resume. Whether their data is the same is known only once it is read,
    and a run that is yielded may be taken by another process at any time. Runs that cannot be read are left out. With
    `retry_failed`, trials that failed are left to do.
    """
    digest = plan_digest(table)
    for store in list_runs(runs):
        # A folder may hold the runs of many nights, so what decides for most of them is read first.
        if plan_digest_of(store) != digest or (_says_finished(store) and not retry_failed):
            continue
        with contextlib.suppress(SeqjobsError):
            run = Run.open(store)
            if _is_unfinished(run) or (retry_failed and run.num_failed and run.status is RunStatus.FINISHED):
                yield store


def has_ended(store: RunStore, table: TrialTable) -> bool:
    """Return whether this is a run of these trials, and every one has ended; False for one that cannot be read."""
    with contextlib.suppress(SeqjobsError):
        run = Run.open(store)
        return run.status is RunStatus.FINISHED and is_same_plan(run.manifest, table)
    return False


def _says_finished(store: RunStore) -> bool:
    """Return whether the last record says that nothing is left to do, and no file was set aside since."""
    with contextlib.suppress(SeqjobsError):
        number = last_segment(store)
        records = read_segment(store, number) if number else []
        last = records[-1] if records else None
        return isinstance(last, dict) and says_finished(last) and not is_there(store, DAMAGED)
    return False


def _is_unfinished(run: Run) -> bool:
    return run.status is not RunStatus.RUNNING and has_work_left(run)


def has_work_left(run: Run) -> bool:
    """Return whether trials or best models are left to do, whether or not a process works on them."""
    if len(run.records) < run.num_total or run.is_being_retried:
        return True
    # A submit that was killed after its last trial has yet to write the best models.
    wanted = best_models(run.leaderboards, len(run.jobs), run.records)
    return any(run.written_models.get(name) != trial_id for name, trial_id in wanted.items())


def list_runs(runs: RunsFolder) -> tuple[LocalStore, ...]:
    """Return the stores of all runs, newest first; reads only when they were created.

    Within a second, the times of files decide, which a copy changes.
    """
    return tuple(sorted(runs.with_file(PLAN), key=created_of, reverse=True))


def find_run(runs: RunsFolder, prefix: str | None) -> LocalStore:
    """Return the run with this path, ID or unique beginning of an ID; the newest for None. Raises NotFoundError."""
    if prefix is not None and (store := store_at(prefix, PLAN)):
        return store
    stores = {store.name: store for store in list_runs(runs)}
    if prefix is not None:
        return stores[_match(prefix, list(stores), "run", runs.where, "see `seqjobs ls`.")]
    if not stores:
        raise NotFoundError("E611", "there are no runs yet", where=runs.where, fix="run `seqjobs submit SPEC`.")
    return next(iter(stores.values()))


def find_trial(run: Run, prefix: str | None) -> StoredTrial:
    """Return the trial with this id or unique beginning of one; the best for None. Raises NotFoundError."""
    if prefix is None:
        if run.best is not None:
            return run.trial(run.best.trial)
        raise NotFoundError("E612", f"no trial of run {run.id} has finished", where=run.store.where(), fix="name one.")
    trials = {trial.id: trial for trial in run.trials}
    return trials[_match(prefix, list(trials), "trial", run.store.where(), "see `seqjobs results`.")]


def _match(prefix: str, names: list[str], kind: str, where: str, fix: str) -> str:
    if prefix in names:
        return prefix
    found = [name for name in names if name.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    what = (
        f"no {kind} '{prefix}'" if not found else f"{len(found)} {kind}s begin with '{prefix}': {', '.join(found[:5])}"
    )
    raise NotFoundError(
        "E611" if kind == "run" else "E612", what, where=where, fix=fix if not found else "write more of the ID."
    )
