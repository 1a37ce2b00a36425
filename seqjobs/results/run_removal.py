"""Remove runs: those that a person names, and those that a rule selects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from seqjobs.errors import NotFoundError, RunFolderError, SeqjobsError, StorageError
from seqjobs.errors.printable import printable
from seqjobs.results.manifest import created_of
from seqjobs.results.removal_rule import RemovalRule, RunAge, RunFacts, WhyLeft
from seqjobs.results.run import Run
from seqjobs.results.run_folders import has_work_left, list_runs
from seqjobs.results.run_names import DAMAGED, is_name_in_run
from seqjobs.store.folder_removal import Entry
from seqjobs.store.local_store import LocalStore
from seqjobs.store.runs_folder import RunsFolder

MAX_NAMES = 3
WHY_LEFT = {"E602": WhyLeft.IN_USE, "E617": WhyLeft.OTHER_FILES, "E619": WhyLeft.OTHER_FILES}


@dataclass(frozen=True, kw_only=True)
class RemovedRun:
    """A run that is gone."""

    name: str
    num_bytes: int


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """A run that meets the conditions of a rule, and what becomes of it."""

    run: RunAge
    num_bytes: int
    why_left: WhyLeft | None
    """None if the run is removed."""


def remove_runs(stores: Iterable[LocalStore]) -> Iterator[RemovedRun]:
    """Remove runs whole, one after the other, and yield each when it is gone.

    All runs are checked before the first one is removed.

    Raises:
        RunFolderError: E602 if a process uses a run, E617 if a folder is a link or has one, E619 if a folder has files
            that seqjobs did not write. Such a run is left as it is.
        StorageError: If files cannot be listed or removed.
    """
    runs = {store.where(): store for store in (store.resolved() for store in stores)}
    for run in runs.values():
        with _held(run):
            pass
    for run in runs.values():
        with _held(run) as num_bytes:
            run.remove()
        yield RemovedRun(name=run.name, num_bytes=num_bytes)


def remove_by_rule(folder: RunsFolder, rule: RemovalRule, *, now: datetime, dry_run: bool) -> Iterator[RunOutcome]:
    """Remove the runs of a folder that a rule selects, and yield each run that meets its conditions, newest first.

    With `dry_run` nothing is removed. Raises StorageError if files cannot be removed.
    """
    if not dry_run:
        folder.delete_leftovers()
    runs = [RunAge(store=store, created=_time(created_of(store))) for store in list_runs(folder)]
    for run in rule.old_runs(runs, now):
        facts = _facts(run.store)
        if not rule.is_large(facts):
            continue
        why_left = rule.why_left(facts)
        if why_left is None and not dry_run:
            try:
                why_left = _remove_unless_changed(run.store, rule)
            except NotFoundError:  # another process has removed it
                continue
        yield RunOutcome(run=run, num_bytes=facts.num_bytes, why_left=why_left)


def _remove_unless_changed(store: LocalStore, rule: RemovalRule) -> WhyLeft | None:
    """Remove a run, unless it may not be removed any more; then return why it is left."""
    try:
        with _held(store):
            # A submit may have come and gone since the facts were read, and have left trials to do.
            why_left = rule.why_left(_facts(store, has_own_lock=True))
            if why_left is None:
                store.remove()
            return why_left
    except RunFolderError as error:
        return WHY_LEFT[error.code]


def _facts(store: LocalStore, *, has_own_lock: bool = False) -> RunFacts:
    """Read what decides about a run. With `has_own_lock` it is this process that holds the lock."""
    why_left: WhyLeft | None = None
    entries: tuple[Entry, ...] = ()
    try:
        entries = _entries(store)
        _check_is_whole_run(store, entries)
        if has_work_left(Run.open(store)):
            why_left = WhyLeft.UNFINISHED
    except SeqjobsError as error:
        why_left = WHY_LEFT.get(error.code, WhyLeft.UNREADABLE)
    with contextlib.suppress(RunFolderError):  # a link in the place of the lock is among the other files
        if not has_own_lock and store.is_held():
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
def _held(store: LocalStore) -> Iterator[int]:
    """Hold a run that may be removed, and yield the bytes of its files. Raises as `remove_runs`."""
    entries = _entries(store)
    _check_is_whole_run(store, entries)
    with store.hold(must_exist=True):
        yield sum(entry.num_bytes for entry in entries)


def _entries(store: LocalStore) -> tuple[Entry, ...]:
    try:
        return store.entries()
    except OSError as error:
        what, fix = f"the files of the run cannot be listed: {error.strerror}", "check the permissions there."
        raise StorageError("E610", what, where=store.where(), fix=fix) from error


def _check_is_whole_run(store: LocalStore, entries: Iterable[Entry]) -> None:
    """Raise RunFolderError if not all that is in a folder is the run's: E617 for a link, E619 for something else."""
    if store.is_link:
        what, fix = "this is a symbolic link to a run", "name the folder that it leads to, and remove the link."
        raise RunFolderError("E617", what, where=store.where(), fix=fix)
    # What `fsck --repair` has set aside may be a link: the link itself is deleted, and not what it leads to.
    for entry in entries:
        if entry.is_link and entry.path.parts[0] != DAMAGED:
            what, fix = "this is a symbolic link, and a run has none", "remove the link."
            raise RunFolderError("E617", what, where=store.where(str(entry.path)), fix=fix)
    others = [printable(entry.path) for entry in entries if not _is_of_run(entry)]
    if others:
        names = ", ".join(others[:MAX_NAMES]) + (f" and {len(others) - MAX_NAMES:,} more" if others[MAX_NAMES:] else "")
        what, fix = f"the run's folder has files that seqjobs did not write ({names})", "move them to another folder."
        raise RunFolderError("E619", what, where=store.where(), fix=fix)


def _is_of_run(entry: Entry) -> bool:
    return is_name_in_run(entry.path.parts, is_folder=entry.is_folder)
