"""The time of one trial more on one core."""

from __future__ import annotations

import time
from collections.abc import Sequence

from seqjobs.planning.trial import Pack
from tests.benchmarks.subject.one_core import OneCore
from tests.benchmarks.timing import Timing, process_seconds

# Samples are taken as long as less than this has been spent on them, each over some packs where packs are short.
ALL_SECONDS = 4.0
SAMPLE_SECONDS = 0.2
MIN_SAMPLES = 3


def speed(core: OneCore) -> Timing:
    """The first pack, in which the program is compiled, is start-up."""
    packs = core.plan().packs
    _, outcomes = core.train(packs[0])
    startup = process_seconds()
    samples, trials = _samples(core, packs[1:])
    note = outcomes[0].compiled + (f", packs of {len(outcomes)}" if len(outcomes) > 1 else "")
    return Timing(startup_seconds=startup, seconds=tuple(samples), trials=len(outcomes) + trials, note=note)


def _samples(core: OneCore, packs: Sequence[Pack]) -> tuple[list[float], int]:
    """The seconds a trial took, sample by sample, and how many trials there were."""
    samples: list[float] = []
    began, spent, members, trials = time.perf_counter(), 0.0, 0, 0
    for pack in packs:
        seconds, outcomes = core.train(pack)
        spent, members, trials = spent + seconds, members + len(outcomes), trials + len(outcomes)
        if spent > SAMPLE_SECONDS:
            samples.append(spent / members)
            spent, members = 0.0, 0
        if len(samples) >= MIN_SAMPLES and time.perf_counter() - began > ALL_SECONDS:
            break
    return samples or [spent / members], trials
