"""BackOff: what made a worker die as it started may pass, so the next one waits."""

from __future__ import annotations

import time
from typing import final

# Each that dies lets the next one wait for twice as long.
BACK_OFF_SECONDS = 1.0
MOST_BACK_OFF_SECONDS = 60.0


@final
class BackOff:
    """Of starts that fail one after another."""

    def __init__(self) -> None:
        self.failed_in_a_row = 0
        self._not_before = float("-inf")

    def failed(self) -> None:
        """A worker has died as it started."""
        self.failed_in_a_row += 1
        wait = min(BACK_OFF_SECONDS * 2 ** (self.failed_in_a_row - 1), MOST_BACK_OFF_SECONDS)
        self._not_before = time.monotonic() + wait

    def started(self) -> None:
        """One has started."""
        self.failed_in_a_row = 0

    @property
    def is_over(self) -> bool:
        """Whether one may be started now."""
        return time.monotonic() >= self._not_before

    def has_ended_since(self, moment: float) -> bool:
        """Whether it was on at that moment, of the monotonic clock, and is not any more."""
        return self.is_over and moment < self._not_before
