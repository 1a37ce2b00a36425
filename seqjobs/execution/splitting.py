"""What becomes of a pack that dies: its halves are tried by themselves, until the member that kills it is alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqjobs.execution.retry import UNTRIED, Tries
from seqjobs.planning.packing import halves
from seqjobs.planning.trial import Pack

SPLIT_AFTER = 2
"""How many deaths of workers, or of drivers that tried it alone, split a pack of several trials: one may be chance."""


def parts_of(pack: Pack, tries: Mapping[str, Tries]) -> Iterator[Pack]:
    """What the pack has been split into: a pure function of how it died, the same after a driver's death.

    Halves are packs of the same program, so that every trial has the bits that it would have had.
    """
    if _is_split(pack, tries):
        for half in halves(pack):
            yield from parts_of(half, tries)
    else:
        yield pack


def suspects_in(pack: Pack, tries: Mapping[str, Tries], *, inherited: bool = False) -> Iterator[str]:
    """Yield the IDs of the parts of a pack that are suspects: the halves of a suspect are suspects too."""
    own = tries.get(pack.id, UNTRIED)
    is_suspect = own.is_suspect or (inherited and not own.furthest)
    if _is_split(pack, tries):
        for half in halves(pack):
            yield from suspects_in(half, tries, inherited=is_suspect)
    elif is_suspect:
        yield pack.id


def _is_split(pack: Pack, tries: Mapping[str, Tries]) -> bool:
    own = tries.get(pack.id, UNTRIED)
    return len(pack.trials) > 1 and max(own.charged, own.died_alone) >= SPLIT_AFTER
