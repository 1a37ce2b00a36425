"""run_pack: what a PackRunner gives for one pack, as an executor passes it on."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from seqjobs.data.dataset import Dataset
from seqjobs.execution.report_buffer import MOST_SECONDS
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import (
    NOTHING_COMPILED,
    Cause,
    Compilations,
    EpochReport,
    Failure,
    PackCheckpoint,
    PackRunner,
    Stopping,
    TrialOutcome,
    Weights,
)


@dataclass(frozen=True, kw_only=True)
class MembersEnded:
    """Some members of a pack have their outcomes, and others train still: one by one, without reports of epochs."""


@dataclass(frozen=True, kw_only=True)
class PackStopped:
    """The pack goes on another time, from its last checkpoint: somebody asked for an end."""


@dataclass(frozen=True, kw_only=True)
class PackEnd:
    """All that is left of a pack once it was trained: of each member its outcome, and its weights.

    `failure` is set where the runner raised, against its contract; what it gave before is of no use then.
    """

    outcomes: tuple[TrialOutcome, ...]
    weights: tuple[Weights, ...]
    failure: Failure | None = None
    printed: str = ""
    """What was printed where the runner raised."""
    compilations: Compilations = NOTHING_COMPILED
    """What had to be compiled for it."""

    @property
    def log(self) -> str:
        """What to keep of an attempt that is lost."""
        return self.outcomes[0].log if self.outcomes else self.printed


def run_pack(
    runner: PackRunner, pack: Pack, dataset: Dataset, saved: bytes | None, stopping: Stopping
) -> Iterator[EpochReport | PackCheckpoint | MembersEnded | PackStopped | PackEnd]:
    """Reports and checkpoints as they come, then the end. Raises nothing of what the runner raises."""
    outcomes: list[TrialOutcome] = []
    weights: list[Weights] = []
    failure, compiled_before, told = None, runner.compilations, time.monotonic()
    try:
        for item in runner.run(pack, dataset, saved, stopping):
            if isinstance(item, EpochReport | PackCheckpoint):
                yield item
                told = time.monotonic()
            elif isinstance(item, TrialOutcome):
                outcomes.append(item)
                if time.monotonic() - told > MOST_SECONDS:
                    yield MembersEnded()
                    told = time.monotonic()
            else:
                weights.append(item)
    except Exception as error:  # (a runner that raises has lost the attempt, not its worker)
        trace = "".join(traceback.format_exception(error))
        failure = Failure(cause=Cause.CRASH, message=f"{type(error).__name__}: {error}", traceback=trace)
    if failure is None and len(outcomes) < len(pack.trials):
        yield PackStopped()
        return
    compilations = runner.compilations - compiled_before
    yield PackEnd(outcomes=tuple(outcomes), weights=tuple(weights), failure=failure, compilations=compilations)
