"""Whether an attempt that died is charged to its pack, and whether the pack is tried again.

A worker's death is put to the pack that it was at, for its driver saw it. Of what a driver died nobody knows: all packs
that were at work then are charged, since one of them may have brought it down, and may do so again. Both are in one
count, and one thing clears a pack of both: that it gets further, and so is not what kills whoever tries it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seqjobs.training.outcome import Cause, Failure, TrialOutcome

_TRIED_AGAIN = frozenset({Cause.OUT_OF_MEMORY, Cause.CRASH, Cause.INFRASTRUCTURE})
# Out of memory is tried once more, when nothing else is at work (`Dispatch`), in case a neighbour had taken the memory;
# then it is the trial's own.
_MOST_OUT_OF_MEMORY = 1


@dataclass(frozen=True, kw_only=True)
class Tries:
    """The attempts at a pack so far, as far as they count: a fold over their starts and their deaths."""

    charged: int = 0
    """How many died since the pack last got further."""
    out_of_memory: int = 0
    """How many of those of too little memory."""
    cleared: int = 0
    """How many died before that: they count no more."""
    furthest: int = 0
    """Of the checkpoints that they began with, the most epochs that were over in one."""

    @property
    def num_died(self) -> int:
        """All of those that were charged at some time."""
        return self.charged + self.cleared

    def begun(self, epochs: int) -> Tries:
        """One begins with a checkpoint of so many epochs. If none before it began with so many, the count is 0 again.

        So what dies at one epoch, again and again, is given up. What dies later each time is not, and comes to its end.
        """
        return self if epochs <= self.furthest else Tries(cleared=self.num_died, furthest=epochs)

    def died(self, cause: Cause = Cause.CRASH) -> Tries:
        """One that is charged is over."""
        more = int(cause is Cause.OUT_OF_MEMORY)
        return replace(self, charged=self.charged + 1, out_of_memory=self.out_of_memory + more)

    def at_least(self, charged: int) -> Tries:
        """As many are charged, or more."""
        return replace(self, charged=max(self.charged, charged))


UNTRIED = Tries()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What follows from a lost attempt."""

    charged: bool
    final: bool


def judge(cause: Cause, before: Tries, retries: int) -> Verdict:
    """A pure function of the cause and of what the attempts before this one came to.

    Lost nodes are nobody's fault and never end a trial; crashes end it after `retries` more tries; what a trial
    does wrong by itself ends it at once.
    """
    if cause is Cause.INFRASTRUCTURE:
        return Verdict(charged=False, final=False)
    if cause not in _TRIED_AGAIN:
        return Verdict(charged=True, final=True)
    too_often = cause is Cause.OUT_OF_MEMORY and before.out_of_memory >= _MOST_OUT_OF_MEMORY
    return Verdict(charged=True, final=too_often or before.charged >= retries)


def retryable_failure(outcomes: Sequence[TrialOutcome]) -> Failure | None:
    """The failure of a member for which the pack as a whole is tried again, if there is one."""
    failures = (outcome.failure for outcome in outcomes)
    return next((failure for failure in failures if failure is not None and failure.cause in _TRIED_AGAIN), None)


def exhausted(charged: int) -> Failure:
    """Why a pack is not begun again that died too often in earlier submits."""
    return Failure(cause=Cause.CRASH, message=f"{charged} attempts died with their worker or driver")
