"""What peers share that train a batch of trials at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tests.benchmarks.peers._base import report
from tests.benchmarks.timing import Timing

BATCH_OF_TRIALS = 256
"""As many as a pack of seqjobs has places for at most."""


def report_batches(ends: Sequence[float]) -> None:
    """Prints what was measured, out of the ends of the batches; the first one, compilation included, is start-up."""
    samples = tuple((later - earlier) / BATCH_OF_TRIALS for earlier, later in pairwise(ends))
    trials = BATCH_OF_TRIALS * len(ends)
    note = f"batches of {BATCH_OF_TRIALS}"
    report(Timing(startup_seconds=ends[0], seconds=samples, trials=trials, note=note))
