"""Span: the processes over which trials are spread, as one of them sees them. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seqjobs.training.share import Share


@dataclass(frozen=True, kw_only=True)
class Span:
    """All processes train the same trials in step: what one of them adds up, all have to.

    So none may end a trial by itself: the first decides, and the others ask before each epoch.
    """

    addresses: tuple[str, ...]
    """`host:port` of each process, at which the others find it; the first tells what came out."""
    index: int
    """Which of them this one is."""
    may_go_on: Callable[[], bool]
    """Asked before each epoch; False ends the trial. Of the first process it tells the others to go on."""

    def share(self, batch_size: int) -> Share:
        """What of each batch this process computes."""
        return Share(index=self.index, workers=len(self.addresses), batch_size=batch_size)
