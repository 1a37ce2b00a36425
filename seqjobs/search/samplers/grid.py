"""Every combination, in the order of the text."""

from __future__ import annotations

from typing import final

from seqjobs.jobspec.job_spec import Assignment
from seqjobs.search.samplers._base import Sampler
from seqjobs.search.space import SearchSpace


@final
class GridSampler(Sampler):
    """Walks through a finite space, the last dimension changing fastest."""

    def propose(
        self,
        space: SearchSpace,
        *,
        seed: int,  # noqa: ARG002 (a grid draws nothing)
        start: int,
        count: int,
    ) -> tuple[Assignment, ...]:
        return tuple(space.grid(start, count))
