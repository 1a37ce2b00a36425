"""Choice: how a trial is carried out where its spec leaves that open."""

from __future__ import annotations

from dataclasses import dataclass, field

from seqjobs.jobspec.canonical import digest
from seqjobs.planning.compile_rule import Compiler


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How many trials train together and by which compiler: the bits of a result depend on both.

    It follows from all jobs of a plan and the shape of their data, so the same trial may get another choice in another
    plan. Then it is another trial, with another ID. A run keeps the choices that it began with.
    """

    places: int = 1
    """The places in the program of a pack; 1 for one trial at a time."""
    compiler: Compiler = Compiler.GRAPH
    """The compiler of a trial that trains by itself. The steps of packs are compiled by XLA."""
    reason: str = field(default="", compare=False)
    """Why there is one place, if there is one."""

    def trial_id(self, key: str) -> str:
        """Return the ID of the trial of this key: the key itself for one trial at a time in the graph."""
        if self.places > 1:
            return digest({"trial": key, "places": self.places})
        return key if self.compiler is Compiler.GRAPH else digest({"trial": key, "compiler": self.compiler.value})
