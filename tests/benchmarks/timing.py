"""Timing: how long one side took for trials of one workload; what the process of a side prints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self

import psutil

from tests.benchmarks.results import Figures


class Timing(Figures):
    """`seconds` are samples of the time that one trial more takes on the whole machine."""

    startup_seconds: float
    """From the start of the process to the end of its first trial."""
    seconds: tuple[float, ...]
    trials: int
    """How many were trained, those of the start-up included."""
    note: str = ""

    @classmethod
    def of(cls, ends: Sequence[float], *, at_once: int = 1, note: str = "") -> Self:
        """From the moments, in seconds since the process started, at which trials ended, `at_once` of them at a time.

        The first trial of each of those that run at once is start-up. A sample is the time between an end and the
        one `at_once` later, divided by `at_once`.
        """
        ends = sorted(ends)
        pairs = zip(ends, ends[at_once:], strict=False)
        samples = tuple((later - earlier) / at_once for earlier, later in pairs)
        return cls(startup_seconds=ends[0], seconds=samples, trials=len(ends), note=note)


class PoolTiming(Timing):
    """Of seqjobs: a sample is one run; `run_seconds` are from warm workers to the leaderboard, one a run."""

    packs: int
    compiled: str
    run_seconds: tuple[float, ...]


def process_seconds() -> float:
    """How long this process has been running, its interpreter's start included."""
    return time.time() - psutil.Process().create_time()
