"""RemovalRule: which runs `seqjobs gc` removes, and why it leaves others; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from seqjobs.store.local_store import LocalStore


class WhyLeft(StrEnum):
    """Why a run that meets the conditions is not removed."""

    IN_USE = "in use"
    """A process holds the lock of the run."""
    UNFINISHED = "unfinished"
    """A submit would resume the run."""
    UNREADABLE = "unreadable"
    """The run is damaged or cannot be read, so nothing shows whether it is finished."""
    OTHER_FILES = "other files"
    """The folder has links, or files that seqjobs did not write."""


@dataclass(frozen=True, kw_only=True)
class RunAge:
    """A run and when it was created."""

    store: LocalStore
    created: datetime | None
    """None if the run does not say it."""


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What decides whether a run that is old enough is removed."""

    num_bytes: int
    """The size of all files in the folder."""
    why_left: WhyLeft | None
    """Why the run is left even if it meets all conditions."""


@dataclass(frozen=True, kw_only=True)
class RemovalRule:
    """The conditions that a run must meet to be removed: all of those that are not None."""

    keep_last: int | None = None
    """The run is not among this many newest ones."""
    older_than: timedelta | None = None
    """The run was created longer ago than this."""
    larger_than: int | None = None
    """The files of the run have more bytes than this."""
    unfinished: bool = False
    """Unfinished runs are removed too."""

    def old_runs(self, runs: Sequence[RunAge], now: datetime) -> tuple[RunAge, ...]:
        """Return the runs that are old enough, of all runs of a folder, newest first."""
        age, candidates = self.older_than, runs[self.keep_last or 0 :]
        if age is None:
            return tuple(candidates)
        return tuple(run for run in candidates if run.created is not None and now - run.created > age)

    def is_large(self, facts: RunFacts) -> bool:
        """Return whether a run is large enough to be removed."""
        return self.larger_than is None or facts.num_bytes > self.larger_than

    def why_left(self, facts: RunFacts) -> WhyLeft | None:
        """Return why a run that meets the conditions is left; None if it is to be removed."""
        return None if self.unfinished and facts.why_left is WhyLeft.UNFINISHED else facts.why_left
