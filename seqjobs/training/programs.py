"""Programs: those that a worker holds, the ones used last."""

from __future__ import annotations

from collections import OrderedDict
from typing import final

from seqjobs.data.dataset import Dataset
from seqjobs.planning.trial import Trial
from seqjobs.training.compile_rule import Compilation
from seqjobs.training.model import forget_models
from seqjobs.training.outcome import PROGRAMS_HELD
from seqjobs.training.program import Program

# With the fingerprint of the data: a worker that is kept between runs may meet a file again that has changed.
_Key = tuple[str, str, Compilation]


@final
class Programs:
    """At most PROGRAMS_HELD programs; the one that was not used for longest makes room."""

    def __init__(self) -> None:
        self._held: OrderedDict[_Key, Program] = OrderedDict()

    def take(self, key: str, trial: Trial, dataset: Dataset, compilation: Compilation, *, lowered: bool) -> Program:
        """The program of a program key, built if none is held. Raises what Keras raises."""
        full_key = (key, dataset.fingerprint, compilation)
        held = self._held.pop(full_key, None)
        if held is None:
            while len(self._held) >= PROGRAMS_HELD:
                self._held.popitem(last=False)
            forget_models()
            held = Program.build(trial, dataset, compilation, lowered=lowered)
        self._held[full_key] = held
        return held

    def drop(self, key: str) -> None:
        """Lets go of the programs of a program key, one of which ended in an error."""
        for held in [held for held in self._held if held[0] == key]:
            del self._held[held]
