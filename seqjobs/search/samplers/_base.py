"""The contract of a sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from seqjobs.search.space import SearchSpace
from seqjobs.spec.job_spec import Assignment


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What is known of an assignment tried before; `value` is better when lower, None when it failed."""

    assignment: Assignment
    value: float | None


class Sampler(ABC):
    """Proposes assignments.

    A proposal is a pure function of the arguments: the same space, seed, position and observations give the same
    assignment in any process, which is what lets a run be resumed. A constructor takes no arguments and does nothing.
    """

    @abstractmethod
    def propose(
        self, space: SearchSpace, *, seed: int, start: int, count: int, observed: Sequence[Observation] = ()
    ) -> tuple[Assignment, ...]:
        """Assignments number `start` to `start + count - 1`; fewer, or none, where the space ends before.

        A sampler that does not learn ignores `observed`.
        """
