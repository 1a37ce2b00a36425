"""StopWish: how a run is asked to end soon, by a signal or by its own time, and until when it may take for it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import final

MOST_SECONDS = 10.0
"""How long the epochs under way may take to end. What comes behind them must fit too into the 20 s of SIGTERM."""
# Of `limits.run_time` no more than this part is given to it, so that it ends in time.
_LAST_PART = 0.1


@final
class StopWish:
    """Nobody wishes an end at first. Setting a clock moves nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._from = self._until = math.inf
        self._is_heeded = False
        self.came_by_signal = False
        """Whether `ask` was heeded."""

    def limit(self, seconds: float) -> None:
        """Of `limits.run_time`, which begins now: what trains is to be saved a little before it is over."""
        self._until = self._clock() + seconds
        self._from = self._until - min(MOST_SECONDS, seconds * _LAST_PART)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Within it somebody trains, and looks at this."""
        self._is_heeded = True
        try:
            yield
        finally:
            self._is_heeded = False

    def ask(self) -> bool:
        """Asks for an end now; whether somebody heeds it. For signal handlers: it waits for nothing."""
        if self._is_heeded and not self.came_by_signal:
            now = self._clock()
            self._from, self._until = min(self._from, now), min(self._until, now + MOST_SECONDS)
            self.came_by_signal = True
        return self._is_heeded

    def is_there(self) -> bool:
        """Whether what trains is to be saved and to end; see `Stopping`."""
        return self._clock() >= self._from

    def is_over(self) -> bool:
        """Whether there is no time left to wait for it."""
        return self._clock() > self._until
