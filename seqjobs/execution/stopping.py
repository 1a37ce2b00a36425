"""StopRequest: the request that a run ends soon, by a signal or by its own time limit, and how long it may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import final

MOST_SECONDS = 10.0
"""How long the epochs under way may take to end. What follows them must also fit into the 20 s of SIGTERM."""
# At most this part of `limits.run_time` is reserved for saving, so that the run ends in time.
_LAST_PART = 0.1


@final
class StopRequest:
    """At first nothing is requested. Setting the system's clock changes nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._from = self._until = math.inf
        self._is_accepting = False
        self.was_accepted = False
        """Whether `request` was called while trials trained."""

    def limit(self, seconds: float) -> None:
        """Start `limits.run_time` now: trials are saved a little before it is over."""
        self._until = self._clock() + seconds
        self._from = self._until - min(MOST_SECONDS, seconds * _LAST_PART)

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """Within this context trials train, and their executor looks at `is_pending`."""
        self._is_accepting = True
        try:
            yield
        finally:
            self._is_accepting = False

    def request(self) -> bool:
        """Request an end now; return whether it is accepted. Signal handlers may call it: it waits for nothing."""
        if self._is_accepting and not self.was_accepted:
            now = self._clock()
            self._from, self._until = min(self._from, now), min(self._until, now + MOST_SECONDS)
            self.was_accepted = True
        return self._is_accepting

    def is_pending(self) -> bool:
        """Return whether trials are to be saved and to end; see `Stopping`."""
        return self._clock() >= self._from

    def is_over(self) -> bool:
        """Return whether there is no time left to wait for that."""
        return self._clock() > self._until
