"""RunLog: the commit log of a run, in segments that are created once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from seqjobs.errors import StorageError
from seqjobs.storage import durable

GROUP_SECONDS = 0.1
"""Records wait this long for others to share one fsync with."""

Record = Mapping[str, Any]


@final
class RunLog:
    """Appends records to numbered segments, `00000001.jsonl` and so on; whoever creates a number owns the run.

    What `commit` has returned for is durable: the segment was written aside, fsynced, linked to its number, and
    the folder fsynced. A number that is taken means that another process writes this run: the log stops for good.
    """

    def __init__(self, folder: Path, *, next_number: int) -> None:
        self._folder = folder
        self._next = next_number
        self._pending: list[str] = []
        self._oldest = 0.0

    def append(self, record: Record) -> None:
        """Notes a record for the next commit."""
        if not self._pending:
            self._oldest = time.monotonic()
        self._pending.append(json.dumps(record, separators=(",", ":"), allow_nan=False))

    @property
    def is_due(self) -> bool:
        """Whether records have waited long enough."""
        return bool(self._pending) and time.monotonic() - self._oldest >= GROUP_SECONDS

    def commit(self) -> None:
        """Makes all noted records durable in one segment. Raises StorageError; then nothing more may be written."""
        if not self._pending:
            return
        path = self._folder / segment_name(self._next)
        try:
            durable.create_once(path, encode_segment(self._pending))
        except FileExistsError:
            what = "another process has gone on with this run"
            raise StorageError("E605", what, where=str(path), fix="leave the run to it.") from None
        except OSError as error:
            what, fix = f"the log cannot be written: {error.strerror}", "see to the disk, then submit again."
            raise StorageError("E606", what, where=str(path), fix=fix) from error
        self._next += 1
        self._pending.clear()


def segment_name(number: int) -> str:
    return f"{number:08d}.jsonl"


def encode_segment(lines: list[str]) -> bytes:
    """Lines of JSON, the last one with the SHA-256 of all before it."""
    body = "".join(f"{line}\n" for line in lines).encode()
    return body + json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n"


def decode_segment(content: bytes, where: str) -> list[Record]:
    """The records of a segment. Raises StorageError E609 where its hash does not hold."""
    body, _, last = content.removesuffix(b"\n").rpartition(b"\n")
    body = body + b"\n" if body else b""
    try:
        expected = json.loads(last)["sha256"]
        if hashlib.sha256(body).hexdigest() == expected:
            return [json.loads(line) for line in body.splitlines()]
    except (ValueError, KeyError, TypeError):
        pass
    raise StorageError(
        "E609", "this segment of the log is damaged", where=where, fix="restore it from a copy of the run folder."
    )


def read_log(folder: Path) -> tuple[list[Record], int]:
    """All records in order, and the number of the next segment: a pure function of what the folder lists."""
    names = sorted(path.name for path in folder.glob("[0-9]*.jsonl")) if folder.is_dir() else []
    records: list[Record] = []
    for number, name in enumerate(names, start=1):
        path = folder / name
        if name != segment_name(number):
            what = f"segment {segment_name(number)} of the log is missing"
            raise StorageError("E609", what, where=str(folder), fix="restore it from a copy of the run folder.")
        records.extend(decode_segment(path.read_bytes(), str(path)))
    return records, len(names) + 1
