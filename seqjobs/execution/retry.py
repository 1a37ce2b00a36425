"""Whether an attempt that died is charged to its pack, and whether the pack is tried again.

A worker's death is charged to the pack that it was at, since its driver saw it. What a driver died of is unknown: most
likely it was killed from outside, but one of the packs at work may have been the cause. So these packs are suspects.
They are tried again after all others, one at a time, and are charged only for drivers that die during that. A pack that
gets further than before is cleared of its deaths and of the suspicion: it does not kill every process that tries it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import Cause, Failure, TrialOutcome

_TRIED_AGAIN = frozenset({Cause.OUT_OF_MEMORY, Cause.CRASH, Cause.INFRASTRUCTURE})
# Out of memory is tried once more, when nothing else is at work (`Dispatch`), in case a neighbour had taken the memory;
# then it is the trial's own.
_MOST_OUT_OF_MEMORY = 1
KILLED_DRIVERS = "E527"
MOST_DEATHS_ALONE = 3
"""How many drivers may die while they try a trial alone. `limits.retries` does not matter: it is about workers."""


@dataclass(frozen=True, kw_only=True)
class Tries:
    """The attempts at a pack so far, as far as they count: a fold over their starts and their deaths."""

    charged: int = 0
    """How many died with their workers since the pack last got further."""
    out_of_memory: int = 0
    """How many of those of too little memory."""
    cleared: int = 0
    """How many died before that: they count no more."""
    furthest: int = 0
    """Of the checkpoints that they began with, the most epochs that were over in one."""
    with_driver: int = 0
    """How many died with their driver, in all."""
    is_suspect: bool = False
    """Whether one died with its driver since the pack last got further."""
    died_alone: int = 0
    """How many drivers died since then while they tried the suspect alone."""

    @property
    def num_died(self) -> int:
        """All of those that died with a worker and were charged at some time, or died with a driver."""
        return self.charged + self.cleared + self.with_driver

    def begun(self, epochs: int) -> Tries:
        """One begins with a checkpoint of so many epochs. If none before it began with so many, the count is 0 again.

        So what dies at one epoch, again and again, is given up. What dies later each time is not, and comes to its end.
        """
        return replace(self.pardoned(), furthest=epochs, is_suspect=False) if epochs > self.furthest else self

    def died(self, cause: Cause = Cause.CRASH) -> Tries:
        """One that is charged is over."""
        more = int(cause is Cause.OUT_OF_MEMORY)
        return replace(self, charged=self.charged + 1, out_of_memory=self.out_of_memory + more)

    def died_with_driver(self, *, alone: bool) -> Tries:
        """The driver died meanwhile; `alone` says that it tried the suspect, and nothing else."""
        return replace(self, with_driver=self.with_driver + 1, is_suspect=True, died_alone=self.died_alone + int(alone))

    def pardoned(self) -> Tries:
        """The pack may be tried as often as a new one, from its beginning. What was a suspect stays one."""
        return Tries(cleared=self.cleared + self.charged, with_driver=self.with_driver, is_suspect=self.is_suspect)

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
    return Failure(cause=Cause.CRASH, message=f"{charged} attempts died with their worker")


def killed_drivers(died_alone: int) -> Failure:
    """Return why a trial is not begun again that was tried alone by drivers that died."""
    what = f"{died_alone} submits died while they trained this trial alone, without a later checkpoint"
    fix = "look for what ended them (`dmesg` shows kills for memory), then `seqjobs submit --retry-failed`"
    return Failure(cause=Cause.CRASH, message=f"{what}. Fix: {fix}. [{KILLED_DRIVERS}]")


def least_suspect_first(packs: Sequence[Pack], tries: Mapping[str, Tries]) -> list[Pack]:
    """Return the packs in the order in which a submit tries them.

    Packs that were at work when a driver died come after the others, the more often the later, and suspects come last.
    So a run gets further whatever kills its drivers.
    """

    def suspicion(pack: Pack) -> tuple[bool, int]:
        found = tries.get(pack.id, UNTRIED)
        return found.is_suspect, found.with_driver

    return sorted(packs, key=suspicion)
