"""LogReader: the log of a run, read on from where the last look ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import final

from seqjobs.results.log_records import REPAIRED, LogFold, LogState
from seqjobs.results.record_check import RecordCheck
from seqjobs.results.run_log import Record, check_log_is_there, last_segment, read_segment
from seqjobs.store.run_store import RunStore


@final
class LogReader:
    """Reads the segments of a log once each. A segment is there whole or not at all, also while a run is written."""

    def __init__(self, store: RunStore, trial_ids: Iterable[str]) -> None:
        """`trial_ids` are those that the records may name."""
        self._store = store
        self._check = RecordCheck(trial_ids)
        self._fold = LogFold()
        self.last = 0
        """The number of the last segment that was read."""

    def read(self) -> None:
        """Read the segments since the last call, with one in memory at a time. Raises as `read_new`."""
        for _ in self._new_segments():
            pass

    def read_new(self) -> list[Record]:
        """Return the records since the last call, in order.

        Raises StorageError E609 if a segment is damaged or missing, or the log is; E610 if one cannot be read.
        """
        return [record for records in self._new_segments() for record in records]

    def state(self) -> LogState:
        """Return what all records that were read amount to."""
        return self._fold.state()

    def _new_segments(self) -> Iterator[list[Record]]:
        check_log_is_there(self._store)
        last = last_segment(self._store)
        if last < self.last:
            # A power cut on the machine that writes may take back what was not durable yet.
            self._start_over()
        before = self.last
        for number in range(before + 1, last + 1):
            records = read_segment(self._store, number, self._check)
            if before and any(record["type"] == REPAIRED for record in records):
                self._read_again(number - 1)
            self._add(number, records)
            yield records

    def _read_again(self, last: int) -> None:
        """Read the segments up to a number again: a repair has replaced some of them."""
        self._start_over()
        for number in range(1, last + 1):
            self._add(number, read_segment(self._store, number, self._check))

    def _add(self, number: int, records: list[Record]) -> None:
        for record in records:
            self._fold.add(record)
        self.last = number

    def _start_over(self) -> None:
        self._fold, self.last = LogFold(), 0
