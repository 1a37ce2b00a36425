"""Independent draws."""

from __future__ import annotations

from typing import Any, final

from seqjobs.jobspec.dimensions import Choice, Dimension
from seqjobs.jobspec.job_spec import Assignment
from seqjobs.search.samplers._base import Sampler
from seqjobs.search.space import SearchSpace, fraction, value_at_fraction


@final
class RandomSampler(Sampler):
    """Draws every dimension by itself; number i is the same however many are asked for."""

    def propose(self, space: SearchSpace, *, seed: int, start: int, count: int) -> tuple[Assignment, ...]:
        return tuple(self._draw(space, seed, index) for index in range(start, start + count))

    @staticmethod
    def _draw(space: SearchSpace, seed: int, index: int) -> Assignment:
        def pick(dimension: Dimension) -> Any:
            part = fraction(seed, dimension.key, index)
            if isinstance(dimension, Choice):
                return dimension.options[int(part * len(dimension.options))]
            return value_at_fraction(dimension, part)

        return space.assign(pick)
