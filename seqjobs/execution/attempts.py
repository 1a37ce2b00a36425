"""Attempts: the tries at packs, what is charged for them, and what follows when one is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

from seqjobs.execution.events import AttemptEnded, AttemptLost, Member
from seqjobs.execution.pack_run import PackEnd
from seqjobs.execution.retry import (
    MOST_DEATHS_ALONE,
    UNTRIED,
    Tries,
    exhausted,
    judge,
    killed_drivers,
    retryable_failure,
)
from seqjobs.execution.splitting import SPLIT_AFTER, parts_of, suspects_in
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import Failure


@final
class Attempts:
    """The one account of a call of `Executor.run`. A pack is in one attempt at a time."""

    def __init__(self, tries: Mapping[str, Tries]) -> None:
        self._tries = dict(tries)
        self.any_ended = False
        """Whether any attempt ran to its end yet."""

    def number(self, pack: Pack) -> int:
        """Of the pack's present attempt, or its next one; from 1. One that is not charged does not count."""
        return self._of(pack).num_died + 1

    def begin(self, pack: Pack, epochs: int) -> int:
        """Its number, of one that goes on from a checkpoint of so many epochs."""
        self._note(pack, self._of(pack).begun(epochs))
        return self.number(pack)

    def is_suspect(self, pack: Pack) -> bool:
        """Whether the pack is tried alone, after all others."""
        return self._of(pack).is_suspect

    def _of(self, pack: Pack) -> Tries:
        return self._tries.get(pack.id, UNTRIED)

    def _note(self, pack: Pack, tries: Tries) -> None:
        # Thousands of packs have nothing to note, and what is noted is gone through where one dies.
        if tries is not UNTRIED:
            self._tries[pack.id] = tries

    def refused(self, pack: Pack, worker: str = "") -> AttemptLost | None:
        """The end of a pack that is not begun again: it died too often in earlier submits."""
        tries = self._of(pack)
        kills = tries.died_alone >= MOST_DEATHS_ALONE
        if len(pack.trials) > 1 or not (kills or tries.charged > pack.retries):
            return None
        return AttemptLost(
            pack_id=pack.id,
            attempt=tries.num_died,
            worker=worker,
            failure=killed_drivers(tries.died_alone) if kills else exhausted(tries.charged),
            charged=False,
            final=True,
        )

    def over(self, pack: Pack, worker: str, end: PackEnd, members: Sequence[Member]) -> AttemptEnded | AttemptLost:
        """What became of an attempt that ran to its end: a member that may yet succeed makes it a lost one."""
        failure = end.failure or retryable_failure(end.outcomes)
        if failure is not None:
            return self.lost(pack, worker, failure, end.log)
        self.any_ended = True
        return AttemptEnded(
            pack_id=pack.id,
            attempt=self.number(pack),
            worker=worker,
            members=tuple(members),
            compilations=end.compilations,
        )

    def lost(self, pack: Pack, worker: str, failure: Failure, log: str = "") -> AttemptLost:
        """What became of an attempt that died; it is charged for here."""
        number, tries = self.number(pack), self._of(pack)
        verdict = judge(failure.cause, tries, pack.retries)
        if verdict.charged:
            tries = tries.died(failure.cause)
        split = len(pack.trials) > 1 and (verdict.final or tries.charged >= SPLIT_AFTER)
        if split:
            tries = tries.at_least(SPLIT_AFTER)
        self._note(pack, tries)
        return AttemptLost(
            pack_id=pack.id,
            attempt=number,
            worker=worker,
            failure=failure,
            charged=verdict.charged,
            final=verdict.final and not split,
            split=split,
            log=log,
        )

    def again(self, pack: Pack, over: AttemptEnded | AttemptLost) -> tuple[Pack, ...]:
        """What is to be tried after that: nothing, the pack, or its halves.

        It is tried next; but behind all others as long as every attempt died: whatever they die of, no trial should be
        used up before another has shown whether it is to blame.
        """
        if isinstance(over, AttemptEnded) or over.final:
            return ()
        for pack_id in suspects_in(pack, self._tries):
            self._tries[pack_id] = replace(self._tries.get(pack_id, UNTRIED), is_suspect=True)
        return tuple(parts_of(pack, self._tries))
