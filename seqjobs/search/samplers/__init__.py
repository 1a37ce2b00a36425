"""Samplers: how assignments are drawn from a search space."""

from seqjobs.search.samplers._base import Sampler
from seqjobs.search.samplers.grid import GridSampler
from seqjobs.search.samplers.random import RandomSampler

SAMPLERS: dict[str, type[Sampler]] = {"grid": GridSampler, "random": RandomSampler}

__all__ = ["SAMPLERS", "GridSampler", "RandomSampler", "Sampler"]
