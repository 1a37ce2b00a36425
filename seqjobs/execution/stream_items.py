"""What a worker streams to its driver while it works through the packs of one call.

An item of the stream is a tuple of these, in the order in which they happened: what Ray asks for an item is more than
a tiny pack costs. Packs come one after the other, in the order of the call, each as Begun, any number of Reported and
PackCheckpoint, Ended. Weights that are not small follow their Ended as an item of their own, which stays where it is
until somebody wants it: a tuple with the weights of every member. PackStopped ends a call before its packs have ended.
"""

from __future__ import annotations

from dataclasses import dataclass

from seqjobs.execution.pack_run import PackEnd, PackStopped
from seqjobs.training.outcome import EpochReport, PackCheckpoint

SMALL_BYTES = 32 * 1024
"""Weights of a pack that are smaller than this travel with its end: asking for them later would cost more."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The worker has taken up the next pack. Told before it is trained: what it has begun can have killed it."""


@dataclass(frozen=True, kw_only=True)
class Reported:
    """Epochs of the pack; none where its members train one by one, and some of them are done."""

    reports: tuple[EpochReport, ...]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The pack is over. Where `weights_follow`, those in `end` are left out, and are the next item."""

    end: PackEnd
    weights_follow: bool
    seconds: float
    """How long it took the worker."""
    private_bytes: int
    """Memory of the worker that it shares with nobody: without the datasets, which are mapped."""


StreamItem = tuple[Begun | Reported | PackCheckpoint | PackStopped | Ended, ...]
