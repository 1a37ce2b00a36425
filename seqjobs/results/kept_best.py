"""KeptBest: whose weights are kept while trials end one after the other."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple, final

from seqjobs.jobspec.sections import ObjectiveSpec
from seqjobs.planning.ranking import mean_of, sort_key
from seqjobs.results.leaderboard import RankedTrial


class _End(NamedTuple):
    """How one repeat of an assignment ended; `value` is None if it failed or has none."""

    trial_id: str
    failed: bool
    value: float | None


@final
class KeptBest:
    """The trials of one job whose weights are kept: those of `leaderboard.kept_trials`, found one end at a time.

    An assignment is ranked by the mean of its repeats, which is known for good once all of them have ended. Until
    then the weights of its best repeat are kept. From then on they are kept if the assignment is among the `count`
    best so far: the best of the whole run were among the best when their last repeat ended.
    """

    def __init__(self, count: int, objective: ObjectiveSpec, repeats: int) -> None:
        self._count = count
        self._objective = objective
        self._repeats = repeats
        self._incomplete: dict[int, dict[int, _End]] = {}  # assignment -> repeat -> its end
        self._worst_first: list[tuple[float, int, str]] = []  # (-key, -number, trial) of complete assignments

    @property
    def trial_ids(self) -> list[str]:
        """The trials whose weights are kept now."""
        incomplete = (self._best(ends) for ends in self._incomplete.values() if self._count)
        return [*(trial for _, _, trial in self._worst_first), *(trial for trial in incomplete if trial is not None)]

    def would_keep(self, trial: RankedTrial, value: float | None) -> bool:
        """Return whether the weights of a trial that finishes now with this value may be needed."""
        if not self._count:
            return False
        ends = {**self._incomplete.get(trial.number, {}), trial.repeat: _End(trial.id, False, value)}
        if self._best(ends) != trial.id:
            return False
        return len(ends) < self._repeats or self._is_among_best(self._rank(trial.number, ends))

    def add(self, trial: RankedTrial, value: float | None, *, failed: bool) -> list[str]:
        """Note that a trial has ended; return the trials whose weights are not needed any more."""
        ends = self._incomplete.setdefault(trial.number, {})
        before = self._best(ends)
        ends[trial.repeat] = _End(trial.id, failed, value)
        best = self._best(ends)
        candidates = {before, None if failed else trial.id} - {best, None}
        dropped = [trial_id for trial_id in candidates if trial_id is not None]
        if len(ends) == self._repeats:
            del self._incomplete[trial.number]
            if best is not None:
                dropped += self._complete((*self._rank(trial.number, ends), best))
        return dropped

    def _complete(self, entry: tuple[float, int, str]) -> list[str]:
        if len(self._worst_first) < self._count:
            heapq.heappush(self._worst_first, entry)
            return []
        return [heapq.heappushpop(self._worst_first, entry)[2]]

    def _is_among_best(self, rank: tuple[float, int]) -> bool:
        return len(self._worst_first) < self._count or rank > self._worst_first[0][:2]

    def _rank(self, number: int, ends: Mapping[int, _End]) -> tuple[float, int]:
        """A higher rank is better; of equal means the assignment with the lower number is."""
        values = [ends[repeat].value for repeat in sorted(ends) if not ends[repeat].failed]
        mean = mean_of([value for value in values if value is not None])
        return -sort_key(mean, self._objective), -number

    def _best(self, ends: Mapping[int, _End]) -> str | None:
        """The finished repeat with the best value; of equal ones the first."""
        finished = [(sort_key(end.value, self._objective), repeat) for repeat, end in ends.items() if not end.failed]
        return ends[min(finished)[1]].trial_id if finished else None
