"""RunLog: the commit log of a run, in segments that are created once."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, final

from seqjobs.errors import StorageError
from seqjobs.results.run_names import LOG
from seqjobs.results.stored_values import parse_json
from seqjobs.store.durable import not_written
from seqjobs.store.run_store import RunStore, has_content, is_there

GROUP_SECONDS = 0.1
"""Records wait this long for others to share one fsync with."""

SEGMENT_PATTERN = re.compile(r"[0-9]{8}\.jsonl")

# `json.dumps` makes an encoder a call.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_FIX = "restore it from a copy, or continue without it: `seqjobs fsck --repair`."

MISSING_LOG = "the folder of the log is missing"
MAX_GAP = 1_000
"""More segments than these are not missed one by one: a single file may have any number."""
MAX_SEGMENT_BYTES = 1 << 28
"""What is committed at once stays far below it."""

Record = Mapping[str, Any]
Check = Callable[[Any], None]
"""Raises ValueError for a record that is not one; see `RecordCheck`."""


def _takes_any(_: Any) -> None:
    """Check nothing: for a log of this process."""


@final
class RunLog:
    """Appends records to numbered segments, `00000001.jsonl` and so on; whoever creates a number owns the run.

    Segments for which `commit` has returned are durable. A number that is taken means that another process writes this
    run: the log stops for good.
    """

    def __init__(self, store: RunStore, *, next_number: int) -> None:
        self._store = store
        self._next = next_number
        self._pending: list[str] = []
        self._oldest = 0.0
        self._stopped: StorageError | None = None

    def append(self, *records: Record) -> None:
        """Notes records for the next commit: all of them, or none where this is interrupted."""
        lines = [_line(record) for record in records]
        if not self._pending:
            self._oldest = time.monotonic()
        self._pending += lines

    @property
    def is_due(self) -> bool:
        """Whether records have waited long enough."""
        return bool(self._pending) and time.monotonic() - self._oldest >= GROUP_SECONDS

    def check_owned(self) -> None:
        """Raises StorageError E605 if another process has written the next segment: the run is no longer this one's.

        To be called before anything that has a name of its own is written or removed.
        """
        name = log_name(self._next)
        if self._stopped is None and is_there(self._store, name) and not self._is_own(name):
            self._stopped = self._taken(name)
        if self._stopped is not None:
            raise self._stopped

    def _is_own(self, name: str) -> bool:
        """Return whether a segment is what an interrupted `commit` of this log has published."""
        return bool(self._pending) and has_content(self._store, name, encode_segment(self._pending))

    def commit(self) -> None:
        """Makes all noted records durable in one segment. Raises StorageError.

        A call that was interrupted, by Ctrl-C in an fsync, may be made again: nothing is lost or written twice.
        """
        if self._stopped is not None:
            raise self._stopped
        if not self._pending:
            return
        name = log_name(self._next)
        try:
            # An interrupted call may have published this very segment. No other process writes the same bytes: the
            # first records of each submit name their writer.
            self._store.create(name, encode_segment(self._pending))
        except FileExistsError:
            self._stopped = self._taken(name)
            raise self._stopped from None
        except StorageError:
            raise
        except OSError as error:
            failure = not_written("the log cannot be written", self._store.where(name), error)
            if is_there(self._store, name):
                # It is there, and may yet be gone after a power cut: a later fsync that succeeds would prove nothing.
                self._stopped = failure
            raise failure from error
        # No call stands between these two, so that no signal can come between them.
        self._next += 1
        self._pending = []

    def _taken(self, name: str) -> StorageError:
        what = "another process has continued this run"
        return StorageError("E605", what, where=self._store.where(name), fix="let that process finish.")


def segment_name(number: int) -> str:
    return f"{number:08d}.jsonl"


def log_name(number: int) -> str:
    """Return the name of a segment in the store of its run."""
    return f"{LOG}/{segment_name(number)}"


def encode_segment(lines: list[str]) -> bytes:
    """Lines of JSON, the last one with the SHA-256 of all before it."""
    return _sealed("".join(f"{line}\n" for line in lines).encode())


def encode_record(record: Record) -> bytes:
    """A segment of one record."""
    return encode_segment([_line(record)])


def _line(record: Record) -> str:
    return _ENCODER.encode(record)


def _sealed(body: bytes) -> bytes:
    return body + json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n"


def decode_segment(content: bytes, where: str, check: Check = _takes_any) -> list[Record]:
    """The records of a segment. Raises StorageError E609 where it is not whole, or a record does not pass the check."""
    end_of_body = content.rfind(b"\n", 0, -1) + 1
    body = content[:end_of_body]
    if content != _sealed(body):
        raise StorageError("E609", "this segment of the log is damaged", where=where, fix=_FIX)
    try:
        # Not `splitlines`: a seal is no proof of who wrote the lines.
        records = [parse_json(line) for line in body.split(b"\n")[:-1]]
        for record in records:
            check(record)
    except ValueError as error:
        raise StorageError("E609", f"this segment of the log is not valid: {error}", where=where, fix=_FIX) from error
    return records


def read_log(store: RunStore) -> tuple[list[Record], int]:
    """Return all records in order, and the number of the next segment.

    Raises StorageError E609 if a segment is damaged or missing, E610 if one cannot be read.
    """
    last = last_segment(store)
    return [record for number in range(1, last + 1) for record in read_segment(store, number)], last + 1


def check_log_is_there(store: RunStore) -> None:
    """Raises StorageError E609 if the folder of a log is missing; it is made before run.json."""
    if not has_log(store):
        raise StorageError("E609", MISSING_LOG, where=store.where(LOG), fix=_FIX)


def has_log(store: RunStore) -> bool:
    """Return whether the folder of a log is there. Raises StorageError E610 if it cannot be read."""
    return _names(store) is not None


def last_segment(store: RunStore) -> int:
    """Return the highest number in the log, 0 if there is none. Raises StorageError E610."""
    # Only this is taken from the listing: of names that are created while it is read, it may show a later one and not
    # an earlier.
    numbers = _numbers(store)
    last = max(numbers, default=0)
    if last - len(numbers) > MAX_GAP:
        what = f"this segment does not continue the log: {last - len(numbers):,} before it are missing"
        fix = "restore them from a copy, or remove this segment."
        raise StorageError("E609", what, where=store.where(log_name(last)), fix=fix)
    return last


def read_segment(store: RunStore, number: int, check: Check = _takes_any) -> list[Record]:
    """Return the records of one segment. Raises as `read_log`."""
    name = log_name(number)
    try:
        content = store.get(name, at_most=MAX_SEGMENT_BYTES)
    except FileNotFoundError:
        raise StorageError("E609", "this segment of the log is missing", where=store.where(name), fix=_FIX) from None
    except OSError as error:
        raise _unreadable(store, name, error) from error
    return decode_segment(content, store.where(name), check)


def _numbers(store: RunStore) -> list[int]:
    names = _names(store) or ()
    return [int(name[:8]) for name in names if SEGMENT_PATTERN.fullmatch(name)]


def _names(store: RunStore) -> tuple[str, ...] | None:
    try:
        return store.list(LOG)
    except FileNotFoundError:
        return None
    except StorageError:  # (an OSError too)
        raise
    except OSError as error:
        raise _unreadable(store, LOG, error) from error


def _unreadable(store: RunStore, name: str, error: OSError) -> StorageError:
    what, fix = f"the log cannot be read: {error.strerror}", "check the disk, then run the same command again."
    return StorageError("E610", what, where=store.where(name), fix=fix)
