"""The folders of runs: new ones, unfinished ones, and those that a person names."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from seqjobs.errors import NotFoundError, RunFolderError, SeqjobsError
from seqjobs.errors.printable import printable
from seqjobs.errors.problems import shown
from seqjobs.jobspec.sections import NAME_PATTERN
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.best_models import best_models
from seqjobs.results.log_records import says_finished
from seqjobs.results.manifest import StoredTrial, created_of, is_same_plan, plan_digest, plan_digest_of
from seqjobs.results.run import Run, RunStatus
from seqjobs.results.run_log import last_segment, read_segment, segment_name
from seqjobs.storage import durable
from seqjobs.storage.durable import ASIDE_PREFIX
from seqjobs.storage.folder_removal import REMOVED_PREFIX

MAX_ID_LENGTH = 63
# A submit that was stopped before its first trial may have left these.
_BEFORE_THE_PLAN = frozenset({"lock", "log", "weights", "logs", "checkpoints"})


def new_run_id(table: TrialTable) -> str:
    """Return a name that sorts by time and says what the run is: `20261122-231500-quickstart`."""
    name = table.jobs[0].name if len(table.jobs) == 1 else f"{len(table.jobs)}-jobs"
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"[:MAX_ID_LENGTH]


def local_folder(runs_dir: str | Path) -> Path:
    """Return the folder of runs. Raises RunFolderError E601 for an address, of which Path would make a folder `s3:`."""
    if isinstance(runs_dir, str) and "://" in runs_dir:
        what = "runs are kept on this machine, not at an address"
        raise RunFolderError("E601", what, where=printable(runs_dir), fix="name a local or mounted folder.")
    return Path(runs_dir)


def run_folder(runs_dir: Path, run_id: str) -> RunPaths:
    """Return the folder of a run. Raises RunFolderError: E701 for an invalid id, E601 if other things lie there."""
    if not re.fullmatch(NAME_PATTERN, run_id):
        what = f"{shown(run_id)} is not a run ID: lower-case letters, digits, '.', '_', '-', at most 63 characters"
        raise RunFolderError("E701", what, fix="choose another --run.")
    root = runs_dir / run_id
    if root.exists() and not root.is_dir():
        raise RunFolderError("E601", "this is a file, not a run's folder", where=str(root), fix="choose another --run.")
    if root.is_dir() and not RunPaths(root=root).plan.exists():
        strange = sorted(path.name for path in root.iterdir() if not _is_before_the_plan(path.name))
        if strange:
            what = f"this folder holds something other than a run ({', '.join(strange[:3])})"
            raise RunFolderError("E601", what, where=str(root), fix="choose another --run.")
    return RunPaths(root=root)


def new_run_folder(runs_dir: Path, table: TrialTable) -> RunPaths:
    """Create the folder of a new run, and return it; submits of the same second get different ones.

    Raises:
        StorageError: If the folder cannot be created.
    """
    run_id = new_run_id(table)
    with durable.reported("the run's folder cannot be created", runs_dir):
        durable.make_folder(runs_dir)
        for number in itertools.count(1):
            ending = "" if number == 1 else f"-{number}"
            root = runs_dir / f"{run_id[: MAX_ID_LENGTH - len(ending)]}{ending}"
            with contextlib.suppress(FileExistsError):
                root.mkdir(mode=durable.FOLDER_MODE)
                return RunPaths(root=root)
    raise AssertionError("there is always another number")


def failed_run(runs_dir: Path, run_id: str) -> RunPaths:
    """Return the folder of a run that exists. Raises NotFoundError E611, RunFolderError E701."""
    paths = run_folder(runs_dir, run_id)
    if not paths.plan.is_file():
        fix = "see `seqjobs ls`, or leave out --retry-failed."
        raise NotFoundError("E611", f"there is no run '{run_id}' to retry", where=str(runs_dir), fix=fix)
    return paths


def no_failed_run(runs_dir: Path) -> RunPaths:
    """Raise NotFoundError E618: no run of a plan has anything left to do, or failed trials."""
    what = "no run of these specs and this data has failed trials"
    raise NotFoundError("E618", what, where=str(runs_dir), fix="see `seqjobs ls`, or leave out --retry-failed.")


def remove_if_not_begun(paths: RunPaths) -> None:
    """Remove the folder of a new run that holds nothing but its lock: the submit was refused before it began."""
    with contextlib.suppress(OSError):
        if {path.name for path in paths.root.iterdir()} <= {paths.lock.name}:
            paths.lock.unlink(missing_ok=True)
            paths.root.rmdir()


def unfinished_runs(runs_dir: Path, table: TrialTable, *, retry_failed: bool = False) -> Iterator[RunPaths]:
    """Yield the runs of these trials that have something left to do and that no process works on, newest first.

    They are those that `submit --run ID` would resume. Whether their data is the same is known only once it is read,
    and a run that is yielded may be taken by another process at any time. Runs that cannot be read are left out. With
    `retry_failed`, trials that failed are left to do.
    """
    digest = plan_digest(table)
    for root in list_runs(runs_dir):
        paths = RunPaths(root=root)
        # A folder may hold the runs of many nights, so what decides for most of them is read first.
        if plan_digest_of(paths.plan) != digest or (_says_finished(paths) and not retry_failed):
            continue
        with contextlib.suppress(SeqjobsError):
            run = Run.open(root)
            if _is_unfinished(run) or (retry_failed and run.num_failed and run.status is RunStatus.FINISHED):
                yield paths


def has_ended(paths: RunPaths, table: TrialTable) -> bool:
    """Return whether this is a run of these trials, and every one has ended; False if it cannot be read."""
    with contextlib.suppress(SeqjobsError):
        run = Run.open(paths.root)
        return run.status is RunStatus.FINISHED and is_same_plan(run.manifest, table)
    return False


def _says_finished(paths: RunPaths) -> bool:
    """Return whether the last record says that nothing is left to do, and no file was set aside since."""
    with contextlib.suppress(SeqjobsError, OSError):
        number = last_segment(paths.log)
        records = read_segment(paths.log / segment_name(number)) if number else []
        last = records[-1] if records else None
        return isinstance(last, dict) and says_finished(last) and not paths.damaged.exists()
    return False


def _is_unfinished(run: Run) -> bool:
    return run.status is not RunStatus.RUNNING and has_work_left(run)


def has_work_left(run: Run) -> bool:
    """Return whether trials or best models are left to do, whether or not a process works on them."""
    if len(run.records) < run.num_total or run.is_being_retried:
        return True
    # A submit that was killed after its last trial has yet to write the best models.
    wanted = best_models(run.leaderboards, len(run.jobs), run.records, run.paths)
    return any(run.models.get(path) != trial_id for path, trial_id in wanted.items())


def _is_before_the_plan(name: str) -> bool:
    return name in _BEFORE_THE_PLAN or name.startswith(ASIDE_PREFIX)


def list_runs(runs_dir: Path) -> tuple[Path, ...]:
    """Return the folders of all runs, newest first; reads only when they were created."""
    if not runs_dir.is_dir():
        return ()
    runs = [path for path in runs_dir.iterdir() if _is_run(path)]
    return tuple(sorted(runs, key=_age, reverse=True))


def _is_run(path: Path) -> bool:
    """Return whether a folder is a run that this user can see, and not what a killed `seqjobs rm` has left of one."""
    with contextlib.suppress(PermissionError):
        return not path.name.startswith(REMOVED_PREFIX) and RunPaths(root=path).plan.is_file()
    return False


def _age(root: Path) -> tuple[str, int, str]:
    """Return a key that grows with the creation time; within a second, file times decide, which a copy changes."""
    plan, modified = RunPaths(root=root).plan, 0
    with contextlib.suppress(OSError):  # the run may have been removed by now
        modified = plan.stat().st_mtime_ns
    return created_of(plan), modified, root.name


def find_run(runs_dir: Path, prefix: str | None) -> Path:
    """Return the run with this path, id or unique beginning of an id; the newest for None. Raises NotFoundError."""
    if prefix is not None and RunPaths(root=Path(prefix)).plan.is_file():
        return Path(prefix)
    runs = list_runs(runs_dir)
    if prefix is None:
        if runs:
            return runs[0]
        raise NotFoundError("E611", "there are no runs yet", where=str(runs_dir), fix="run `seqjobs submit SPEC`.")
    names = {path.name: path for path in runs}
    return names[_match(prefix, list(names), "run", str(runs_dir), "see `seqjobs ls`.")]


def find_trial(run: Run, prefix: str | None) -> StoredTrial:
    """Return the trial with this id or unique beginning of one; the best for None. Raises NotFoundError."""
    if prefix is None:
        if run.best is not None:
            return run.trial(run.best.trial)
        raise NotFoundError("E612", f"no trial of run {run.id} has finished", where=str(run.path), fix="name one.")
    trials = {trial.id: trial for trial in run.trials}
    return trials[_match(prefix, list(trials), "trial", str(run.path), "see `seqjobs results`.")]


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
