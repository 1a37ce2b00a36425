"""Deadline: the end of the time that something may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, final

from seqjobs.errors import OutOfTimeError, SeqjobsError
from seqjobs.planning.expansion import TrialTable

# A dataset is read, or evaluated, in one call that reports nothing meanwhile.
READ_SECONDS = 2 * 3600.0


@dataclass(frozen=True, kw_only=True)
class TimeLimits:
    """How long calls of workers outside training may take."""

    run_seconds: float = math.inf
    """All that comes before training."""
    read_seconds: float = READ_SECONDS
    """Reading or evaluating data. A call that takes longer hangs."""

    @classmethod
    def of(cls, table: TrialTable) -> Self:
        """`limits.run_time`, and READ_SECONDS or `limits.stall` if it is longer or off."""
        stalls = [job.limits.stall for job in table.jobs]
        seconds = [math.inf if stall == "off" else 0.0 if stall == "auto" else stall for stall in stalls]
        return cls(run_seconds=table.run_seconds, read_seconds=max(READ_SECONDS, *seconds))


@final
class Deadline:
    """Runs from where it is made; `check` raises `error` once it is over. Setting a clock moves nothing."""

    def __init__(self, seconds: float, error: SeqjobsError, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._error = error

    @classmethod
    def of_run(cls, seconds: float) -> Deadline:
        """Of `limits.run_time`, for what comes before training."""
        what = f"limits.run_time ({seconds:g} s) ended before training began"
        return cls(seconds, OutOfTimeError("E518", what, fix="raise it, or run the same command again to resume."))

    def check(self) -> None:
        """Raises the error if it is over."""
        if self._clock() > self._end:
            raise self._error
