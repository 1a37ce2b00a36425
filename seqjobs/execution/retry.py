"""Whether an attempt that died is charged to its pack, and whether the pack is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqjobs.training.outcome import Cause, Failure, TrialOutcome

_TRIED_AGAIN = frozenset({Cause.OUT_OF_MEMORY, Cause.CRASH, Cause.INFRASTRUCTURE})
# Out of memory is tried once more, when nothing else is at work (`Dispatch`), in case a neighbour had taken the memory;
# then it is the trial's own.
_MOST_OUT_OF_MEMORY = 1


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What follows from a lost attempt."""

    charged: bool
    final: bool


def judge(cause: Cause, charged_before: int, retries: int) -> Verdict:
    """A pure function of the cause and of how many attempts were charged before this one.

    Lost nodes are nobody's fault and never end a trial; crashes end it after `retries` more tries; what a trial
    does wrong by itself ends it at once.
    """
    if cause is Cause.INFRASTRUCTURE:
        return Verdict(charged=False, final=False)
    if cause not in _TRIED_AGAIN:
        return Verdict(charged=True, final=True)
    allowed = min(retries, _MOST_OUT_OF_MEMORY) if cause is Cause.OUT_OF_MEMORY else retries
    return Verdict(charged=True, final=charged_before >= allowed)


def retryable_failure(outcomes: Sequence[TrialOutcome]) -> Failure | None:
    """The failure of a member for which the pack as a whole is tried again, if there is one."""
    failures = (outcome.failure for outcome in outcomes)
    return next((failure for failure in failures if failure is not None and failure.cause in _TRIED_AGAIN), None)


def exhausted(charged: int) -> Failure:
    """Why a pack is not begun again that died too often in earlier submits."""
    return Failure(cause=Cause.CRASH, message=f"{charged} attempts died with their worker or driver")
