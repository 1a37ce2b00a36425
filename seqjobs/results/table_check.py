"""damaged_tables: the tables of a run that do not say what its log says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from seqjobs.results import log_records
from seqjobs.results.leaderboard import rank_jobs
from seqjobs.results.log_records import REPAIRED, STARTED
from seqjobs.results.manifest import Manifest
from seqjobs.results.record import TrialRecord
from seqjobs.results.run_log import Record
from seqjobs.results.run_names import TABLES
from seqjobs.results.tables import rewritten, table_contents
from seqjobs.store.run_store import RunStore

MAX_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class StoredTables:
    """The tables of a run that are there: their contents, and why others cannot be read."""

    contents: Mapping[str, bytes]
    unreadable: Mapping[str, str]

    @classmethod
    def read(cls, store: RunStore) -> Self:
        """Read the tables. A submit may be at work: what is read of the log later has all that is in them."""
        contents: dict[str, bytes] = {}
        unreadable: dict[str, str] = {}
        for name in TABLES:
            try:
                contents[name] = store.get(name, at_most=MAX_BYTES)
            except FileNotFoundError:
                continue
            except OSError as error:
                unreadable[name] = _unreadable(error)
        return cls(contents=contents, unreadable=unreadable)


def damaged_tables(stored: StoredTables, manifest: Manifest, records: Sequence[Record] | None) -> dict[str, str]:
    """Return the tables that no submit of the run can have written -> what is wrong with each.

    A submit writes tables as it ends, so those of a run that is at work, or whose last submit was killed, say what the
    log said at the end of an earlier submit. Without `records`, the tables must only be tables.
    """
    wrong = dict(stored.unreadable)
    found = dict(stored.contents)
    if records is not None:
        found = _others(found, _contents(manifest, log_records.fold(records).records))
    tables: dict[str, bytes] = {}
    for name, content in found.items():
        try:
            # Another version of Arrow may have written it.
            tables[name] = rewritten(name, content)
        except (OSError, ValueError) as error:
            wrong[name] = _unreadable(error)
    if records is None:
        return wrong
    for outcomes in _states(records) if tables else ():
        tables = _others(tables, _contents(manifest, outcomes))
    return wrong | dict.fromkeys(tables, "this table is not what the log says")


def _unreadable(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else ""
    lines = (reason or str(error) or type(error).__name__).splitlines()
    return f"this table cannot be read: {lines[0]}"


def _others(tables: Mapping[str, bytes], contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the tables that have another content."""
    return {name: content for name, content in tables.items() if content != contents[name]}


def _contents(manifest: Manifest, records: Mapping[str, TrialRecord]) -> dict[str, bytes]:
    """Return what the tables must be if these trials have ended."""
    boards = rank_jobs({job.name: job.objective for job in manifest.jobs}, manifest.trials, records)
    return table_contents(boards, manifest, records)


def _states(records: Sequence[Record]) -> Iterator[Mapping[str, TrialRecord]]:
    """Yield the trials that had ended when tables could be written, the last time first.

    That is at the end of the log, before the start of each submit, and before a repair.
    """
    ends = [index for index, record in enumerate(records) if record["type"] in (STARTED, REPAIRED) and index]
    for end in (len(records), *reversed(ends)):
        yield log_records.fold(records[:end]).records
