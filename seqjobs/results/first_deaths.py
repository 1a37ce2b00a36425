"""FirstDeaths: ends a run in which every attempt dies, before all its trials are used up on that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

from seqjobs.errors import ClusterError
from seqjobs.execution.events import AttemptEnded, AttemptLost, Event
from seqjobs.results.record import TrialRecord
from seqjobs.training.outcome import Cause

# A few trials that all die may each be to blame, and cost little. So many in a row, with nothing else, say that
# something is wrong with what they share: a library, a driver, the machine.
MOST_DEATHS = 20
LEAST_PACKS = 4


@final
class FirstDeaths:
    """Looks at the ends of attempts until one of them was no death: then a worker can do its work.

    What fails by a spec, its data, its time or its memory is no death either. `before` are the trials that earlier
    submits of the run ended.
    """

    def __init__(self, before: Iterable[TrialRecord]) -> None:
        self._alive = any(record.failure is None or record.failure.cause is not Cause.CRASH for record in before)
        self._deaths = 0
        self._packs: set[str] = set()
        self._given_up = 0

    def look(self, event: Event) -> None:
        """Raises ClusterError E517 where all attempts so far have died, and these are many."""
        if self._alive or not isinstance(event, AttemptEnded | AttemptLost):
            return
        if isinstance(event, AttemptEnded):
            self._alive = True
        elif event.charged:
            self._add(event)

    def _add(self, lost: AttemptLost) -> None:
        self._alive = lost.failure.cause is not Cause.CRASH
        self._deaths += 1
        self._packs.add(lost.pack_id)
        self._given_up += lost.final
        if self._alive or self._deaths < MOST_DEATHS or len(self._packs) < LEAST_PACKS:
            return
        given_up = f" (trials that stay failed: {self._given_up})" if self._given_up else ""
        what = f"the first {self._deaths} of {self._deaths} attempts died{given_up}; the last: {lost.failure.message}"
        raise ClusterError("E517", what, fix="correct the cause, then run the same command again to resume.")
