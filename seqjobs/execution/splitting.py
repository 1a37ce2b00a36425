"""What becomes of a pack that dies: its halves are tried by themselves, until the member that kills it is alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.planning.packing import halves
from seqjobs.planning.trial import Pack

SPLIT_AFTER = 2
"""How many attempts are charged to a pack of several trials before it is split: once may be chance."""


def parts_of(pack: Pack, charged: Mapping[str, int]) -> Iterator[Pack]:
    """What the pack has been split into: a pure function of what was charged, the same after a driver's death.

    Halves are packs of the same program, so that every trial has the bits that it would have had.
    """
    if len(pack.trials) > 1 and charged.get(pack.id, 0) >= SPLIT_AFTER:
        for half in halves(pack):
            yield from parts_of(half, charged)
    else:
        yield pack
