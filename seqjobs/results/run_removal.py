"""Remove runs: those that a person names, and those that a rule selects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seqjobs.errors import NotFoundError, RunFolderError, SeqjobsError, StorageError
from seqjobs.errors.printable import printable
from seqjobs.planning.run_paths import RunPaths, is_name_in_run
from seqjobs.results.manifest import created_of
from seqjobs.results.removal_rule import RemovalRule, RunAge, RunFacts, WhyLeft
from seqjobs.results.run import Run
from seqjobs.results.run_folders import has_work_left, list_runs
from seqjobs.storage.folder_removal import Entry, delete_leftovers, entries_in, remove_folder
from seqjobs.storage.lock import Lock, is_held

MAX_NAMES = 3
WHY_LEFT = {"E602": WhyLeft.IN_USE, "E617": WhyLeft.OTHER_FILES, "E619": WhyLeft.OTHER_FILES}


@dataclass(frozen=True, kw_only=True)
class RemovedRun:
    """A run that is gone."""

    path: Path
    num_bytes: int


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """A run that meets the conditions of a rule, and what becomes of it."""

    run: RunAge
    num_bytes: int
    why_left: WhyLeft | None
    """None if the run is removed."""


def remove_runs(roots: Iterable[Path]) -> Iterator[RemovedRun]:
    """Remove runs whole, one after the other, and yield each when it is gone.

    All runs are checked before the first one is removed.

    Raises:
        RunFolderError: E602 if a process uses a run, E617 if a folder is a link or has one, E619 if a folder has files
            that seqjobs did not write. Such a run is left as it is.
        StorageError: If files cannot be listed or removed.
    """
    folders = tuple(dict.fromkeys(_real_folder(root) for root in roots))
    for folder in folders:
        with _locked(folder):
            pass
    for parent in dict.fromkeys(folder.parent for folder in folders):
        delete_leftovers(parent)
    for folder in folders:
        with _locked(folder) as num_bytes:
            remove_folder(folder)
        yield RemovedRun(path=folder, num_bytes=num_bytes)


def remove_by_rule(runs_dir: Path, rule: RemovalRule, *, now: datetime, dry_run: bool) -> Iterator[RunOutcome]:
    """Remove the runs of a folder that a rule selects, and yield each run that meets its conditions, newest first.

    With `dry_run` nothing is removed. Raises StorageError if files cannot be removed.
    """
    if not dry_run:
        delete_leftovers(runs_dir)
    runs = [RunAge(path=root, created=_time(created_of(RunPaths(root=root).plan))) for root in list_runs(runs_dir)]
    for run in rule.old_runs(runs, now):
        facts = _facts(run.path)
        if not rule.is_large(facts):
            continue
        why_left = rule.why_left(facts)
        if why_left is None and not dry_run:
            try:
                why_left = _remove_unless_changed(run.path, rule)
            except NotFoundError:  # another process has removed it
                continue
        yield RunOutcome(run=run, num_bytes=facts.num_bytes, why_left=why_left)


def _remove_unless_changed(root: Path, rule: RemovalRule) -> WhyLeft | None:
    """Remove a run, unless it may not be removed any more; then return why it is left."""
    try:
        with _locked(root):
            # A submit may have come and gone since the facts were read, and have left trials to do.
            why_left = rule.why_left(_facts(root, has_own_lock=True))
            if why_left is None:
                remove_folder(root)
            return why_left
    except RunFolderError as error:
        return WHY_LEFT[error.code]


def _facts(root: Path, *, has_own_lock: bool = False) -> RunFacts:
    """Read what decides about a run. With `has_own_lock` it is this process that holds the lock."""
    why_left: WhyLeft | None = None
    entries: tuple[Entry, ...] = ()
    try:
        entries = _entries(root)
        _check_is_whole_run(root, entries)
        if has_work_left(Run.open(root)):
            why_left = WhyLeft.UNFINISHED
    except SeqjobsError as error:
        why_left = WHY_LEFT.get(error.code, WhyLeft.UNREADABLE)
    if not has_own_lock and is_held(RunPaths(root=root).lock):
        why_left = WhyLeft.IN_USE
    return RunFacts(num_bytes=sum(entry.num_bytes for entry in entries), why_left=why_left)


def _time(text: str) -> datetime | None:
    """Read a time of ISO 8601, which is UTC unless it says otherwise; None if it is not one."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[int]:
    """Hold the lock of a run that may be removed, and yield the bytes of its files. Raises as `remove_runs`."""
    entries = _entries(root)
    _check_is_whole_run(root, entries)
    lock = Lock(RunPaths(root=root).lock)
    lock.take()
    try:
        yield sum(entry.num_bytes for entry in entries)
    finally:
        lock.give_back()


def _entries(root: Path) -> tuple[Entry, ...]:
    try:
        return tuple(entries_in(root))
    except OSError as error:
        what, fix = f"the files of the run cannot be listed: {error.strerror}", "check the permissions there."
        raise StorageError("E610", what, where=str(root), fix=fix) from error


def _check_is_whole_run(root: Path, entries: Iterable[Entry]) -> None:
    """Raise RunFolderError if not all that is in a folder is the run's: E617 for a link, E619 for something else."""
    if root.is_symlink():
        what, fix = "this is a symbolic link to a run", "name the folder that it leads to, and remove the link."
        raise RunFolderError("E617", what, where=str(root), fix=fix)
    # What `fsck --repair` has set aside may be a link: the link itself is deleted, and not what it leads to.
    damaged = RunPaths(root=root).damaged.name
    for entry in entries:
        if entry.is_link and entry.path.parts[0] != damaged:
            what, fix = "this is a symbolic link, and a run has none", "remove the link."
            raise RunFolderError("E617", what, where=str(root / entry.path), fix=fix)
    others = [printable(entry.path) for entry in entries if not _is_of_run(entry)]
    if others:
        names = ", ".join(others[:MAX_NAMES]) + (f" and {len(others) - MAX_NAMES:,} more" if others[MAX_NAMES:] else "")
        what, fix = f"the run's folder has files that seqjobs did not write ({names})", "move them to another folder."
        raise RunFolderError("E619", what, where=str(root), fix=fix)


def _is_of_run(entry: Entry) -> bool:
    return is_name_in_run(entry.path, is_folder=entry.is_folder)


def _real_folder(root: Path) -> Path:
    """Return the folder under its own name, so that `.` can be removed; a link to a folder stays what it is."""
    return root if root.is_symlink() else root.resolve()
