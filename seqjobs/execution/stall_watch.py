"""StallWatch: which workers were silent, or at one pack, for too long, by what came from them and by nothing else.

What a worker streams is its progress. A thread of its own that said it lives would say so of a worker that hangs too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import final

from seqjobs.execution.report_buffer import MOST_SECONDS
from seqjobs.planning.trial import Pack

# The first epoch imports, compiles and reads, on a machine that may have other things to do.
LEAST_SECONDS = 30 * 60.0
# An epoch may take longer than those before it where neighbours want the machine too, but not by so much.
TIMES_THE_LONGEST = 5.0
# A worker looks at `limits.trial_time` itself, between two calls of compiled functions. It must have had time for that.
LEAST_SECONDS_OVER = 60.0
# Between two looks no more than this is held against a worker: its driver may have been stopped itself, or have waited
# for a slow disk, and has not yet read what has come meanwhile.
MOST_SECONDS_OF_A_LOOK = 1.0


@final
class StallWatch:
    """Adds up how long each worker at work has sent nothing. Costs nothing for an item but a look into two dicts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        self._silent: dict[str, float] = {}
        self._spent: dict[str, float] = {}
        self._longest: dict[str, float] = {}  # program -> seconds of the longest silence that came to an end

    def heard(self, worker: str, pack: Pack) -> None:
        """Something came from the worker, of this pack."""
        silent = self._silent.pop(worker, 0.0)
        if silent > self._longest.get(pack.program_key, 0.0):
            self._longest[pack.program_key] = silent

    def turned(self, worker: str) -> None:
        """The worker is done with a pack, or begins one."""
        self._spent[worker] = 0.0

    def limit(self, pack: Pack) -> float | None:
        """How many seconds a worker may be silent while it is at this pack; None for any time."""
        if pack.stall == "off":
            return None
        if pack.stall == "auto":
            return max(LEAST_SECONDS, TIMES_THE_LONGEST * self._longest.get(pack.program_key, 0.0))
        # A report may have waited so long for others before its epoch was told.
        return pack.stall + MOST_SECONDS

    def why(self, pack: Pack) -> str:
        """What is said of a worker that is given up with this pack, and what to do where it did not hang."""
        given = "auto" if pack.stall == "auto" else "of the spec"
        seconds = self.limit(pack) if pack.stall == "auto" else pack.stall
        return f"no epoch ended for {seconds:g} s, limits.stall ({given}); set a longer time, or off"

    def stalled(self, at_work: Mapping[str, Pack]) -> list[str]:
        """The workers that are to be given up, of those at work; to be called once all that came has been read."""
        now = self._clock()
        passed, self._looked = min(now - self._looked, MOST_SECONDS_OF_A_LOOK), now
        self._silent = {worker: self._silent.get(worker, 0.0) + passed for worker in at_work}
        self._spent = {worker: self._spent.get(worker, 0.0) + passed for worker in at_work}
        limits = {worker: self.limit(pack) for worker, pack in at_work.items()}
        return [worker for worker, limit in limits.items() if limit is not None and self._silent[worker] > limit]

    def overdue(self, at_work: Mapping[str, Pack]) -> list[str]:
        """The workers that should long have ended a trial for its time; to be called behind `stalled`."""
        ends = {worker: self._last_moment(pack) for worker, pack in at_work.items()}
        return [worker for worker, end in ends.items() if end is not None and self._spent.get(worker, 0.0) > end]

    def _last_moment(self, pack: Pack) -> float | None:
        """By when of its seconds a pack has ended if its worker can look at the time; None for a pack without limit."""
        most = trial_seconds(pack)
        if most is None:
            return None
        # A trial's time is its share of the time of its pack.
        return most * pack.size + max(LEAST_SECONDS_OVER, TIMES_THE_LONGEST * self._longest.get(pack.program_key, 0.0))


def trial_seconds(pack: Pack) -> float | None:
    """The least `limits.trial_time` of its trials."""
    return min((trial.trial_seconds for trial in pack.trials if trial.trial_seconds is not None), default=None)
