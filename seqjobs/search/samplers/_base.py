"""The contract of a sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod

from seqjobs.jobspec.job_spec import Assignment
from seqjobs.search.space import SearchSpace


class Sampler(ABC):
    """Proposes assignments.

    A proposal is a pure function of the arguments: the same space, seed and position give the same assignment in
    any process, which is what lets a run be resumed. A constructor takes no arguments and does nothing.
    """

    @abstractmethod
    def propose(self, space: SearchSpace, *, seed: int, start: int, count: int) -> tuple[Assignment, ...]:
        """Assignments number `start` to `start + count - 1`; fewer, or none, where the space ends before."""
