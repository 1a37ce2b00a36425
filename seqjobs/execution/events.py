"""Events: what an executor says while it carries out a plan, in the order it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seqjobs.training.outcome import (
    NOTHING_COMPILED,
    Compilations,
    EpochReport,
    Failure,
    PackCheckpoint,
    TrialOutcome,
    Weights,
)


@dataclass(frozen=True, kw_only=True)
class WorkerStarted:
    """A worker is ready: TensorFlow is imported, its devices are known."""

    worker: str
    node: str
    pid: int
    devices: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class WorkerLost:
    """A worker is gone; another takes its place."""

    worker: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class WorkerReplaced:
    """A worker held more memory of its own than its budget and was ended between two packs; another takes its place.

    Both numbers are bytes.
    """

    worker: str
    private_bytes: int
    budget: int


@dataclass(frozen=True, kw_only=True)
class AttemptPlanned:
    """A pack that is about to be dispatched to a worker.

    `behind` names the pack it waits for on the same worker: if that one never ends, this one never began.
    """

    pack_id: str
    attempt: int
    worker: str
    behind: str | None
    epochs: int = 0
    """How many are over in the checkpoint that it goes on from."""
    alone: bool = False
    """Whether nothing else is at work, since the pack may have killed a driver."""


@dataclass(frozen=True, kw_only=True)
class AttemptsPlanned:
    """Packs are dispatched once this event has been handled: so their starts are durable first."""

    attempts: tuple[AttemptPlanned, ...]


@dataclass(frozen=True, kw_only=True)
class AttemptStarted:
    """A worker has begun to train a pack."""

    pack_id: str
    attempt: int
    worker: str


@dataclass(frozen=True, kw_only=True)
class EpochEnded:
    """An epoch of a pack is over, or several that follow one another: those of a moment, where epochs are short."""

    pack_id: str
    attempt: int
    worker: str
    reports: tuple[EpochReport, ...]


@dataclass(frozen=True, kw_only=True)
class CheckpointTaken:
    """A pack that goes on was saved: what it has done so far need not be done again."""

    pack_id: str
    attempt: int
    worker: str
    checkpoint: PackCheckpoint


@dataclass(frozen=True, kw_only=True)
class Member:
    """One trial of a pack that ended; `fetch_weights` brings its weights here, at a cost, and only while handled."""

    outcome: TrialOutcome
    fetch_weights: Callable[[], Weights]


@dataclass(frozen=True, kw_only=True)
class AttemptEnded:
    """A pack ran to its end: every member has an outcome, good or bad."""

    pack_id: str
    attempt: int
    worker: str
    members: tuple[Member, ...]
    compilations: Compilations = NOTHING_COMPILED
    """What its worker had to compile for it."""


@dataclass(frozen=True, kw_only=True)
class AttemptLost:
    """A pack's attempt died. `charged` counts against `limits.retries`; `final` means it is not tried again.

    A pack of several trials is never given up: once it has died too often it is `split`, see `splitting.parts_of`.
    """

    pack_id: str
    attempt: int
    worker: str
    failure: Failure
    charged: bool
    final: bool
    split: bool = False
    log: str = ""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Nothing happened for a moment; time to commit and to redraw."""

    reason: str = ""
    """What the run waits for, where it is not the end of an epoch."""


Event = (
    WorkerStarted
    | WorkerLost
    | WorkerReplaced
    | AttemptsPlanned
    | AttemptStarted
    | EpochEnded
    | CheckpointTaken
    | AttemptEnded
    | AttemptLost
    | Waiting
)
