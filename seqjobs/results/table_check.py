"""damaged_tables: the tables of a run that do not say what its log says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from seqjobs.planning.run_paths import RunPaths
from seqjobs.results import log_records
from seqjobs.results.leaderboard import rank_jobs
from seqjobs.results.log_records import REPAIRED, STARTED
from seqjobs.results.manifest import Manifest
from seqjobs.results.record import TrialRecord
from seqjobs.results.run_log import Record
from seqjobs.results.tables import rewritten, table_contents
from seqjobs.storage.plain_file import is_there, read_plain

MAX_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class StoredTables:
    """The tables of a run that are there: their contents, and why others cannot be read."""

    contents: Mapping[Path, bytes]
    unreadable: Mapping[Path, str]

    @classmethod
    def read(cls, paths: RunPaths) -> Self:
        """Read the tables. A submit may be at work: what is read of the log later has all that is in them."""
        contents: dict[Path, bytes] = {}
        unreadable: dict[Path, str] = {}
        for path in filter(is_there, (paths.leaderboard, paths.trials, paths.histories)):
            try:
                contents[path] = read_plain(path, at_most=MAX_BYTES)
            except OSError as error:
                unreadable[path] = _unreadable(error)
        return cls(contents=contents, unreadable=unreadable)


def damaged_tables(
    paths: RunPaths, stored: StoredTables, manifest: Manifest, records: Sequence[Record] | None
) -> dict[Path, str]:
    """Return the tables that no submit of the run can have written -> what is wrong with each.

    A submit writes tables as it ends, so those of a run that is at work, or whose last submit was killed, say what the
    log said at the end of an earlier submit. Without `records`, the tables must only be tables.
    """
    wrong = dict(stored.unreadable)
    found = dict(stored.contents)
    if records is not None:
        found = _others(found, _contents(paths, manifest, log_records.fold(records).records))
    tables: dict[Path, bytes] = {}
    for path, content in found.items():
        try:
            # Another version of Arrow may have written it.
            tables[path] = rewritten(path, content)
        except (OSError, ValueError) as error:
            wrong[path] = _unreadable(error)
    if records is None:
        return wrong
    for outcomes in _states(records) if tables else ():
        tables = _others(tables, _contents(paths, manifest, outcomes))
    return wrong | dict.fromkeys(tables, "this table is not what the log says")


def _unreadable(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else ""
    lines = (reason or str(error) or type(error).__name__).splitlines()
    return f"this table cannot be read: {lines[0]}"


def _others(tables: Mapping[Path, bytes], contents: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """Return the tables that have another content."""
    return {path: content for path, content in tables.items() if content != contents[path]}


def _contents(paths: RunPaths, manifest: Manifest, records: Mapping[str, TrialRecord]) -> dict[Path, bytes]:
    """Return what the tables must be if these trials have ended."""
    boards = rank_jobs({job.name: job.objective for job in manifest.jobs}, manifest.trials, records)
    return table_contents(paths, boards, manifest, records)


def _states(records: Sequence[Record]) -> Iterator[Mapping[str, TrialRecord]]:
    """Yield the trials that had ended when tables could be written, the last time first.

    That is at the end of the log, before the start of each submit, and before a repair.
    """
    ends = [index for index, record in enumerate(records) if record["type"] in (STARTED, REPAIRED) and index]
    for end in (len(records), *reversed(ends)):
        yield log_records.fold(records[:end]).records
