"""Deadline: the end of the time that something may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import final

from seqjobs.errors import OutOfTimeError, SeqjobsError


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
