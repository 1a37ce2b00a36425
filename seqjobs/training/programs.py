"""Programs: those that a worker holds, the ones used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, final

from seqjobs.data.dataset import Dataset
from seqjobs.training.model import forget_models
from seqjobs.training.outcome import PROGRAMS_HELD

_Program = TypeVar("_Program")


@final
class Programs:
    """At most PROGRAMS_HELD programs of either kind; the one that was not used for longest makes room."""

    def __init__(self) -> None:
        # With the fingerprint of the data: a worker that is kept between runs may meet a file again that has changed.
        self.num_built = 0
        self._held: OrderedDict[tuple[str, str, str], Any] = OrderedDict()

    def take(self, key: str, dataset: Dataset, kind: str, build: Callable[[], _Program]) -> _Program:
        """The program of a program key and kind, built if none is held. Raises what Keras raises."""
        full_key = (key, dataset.fingerprint, kind)
        held: _Program | None = self._held.pop(full_key, None)
        if held is None:
            while len(self._held) >= PROGRAMS_HELD:
                self._held.popitem(last=False)
            forget_models()
            held = build()
            self.num_built += 1
        self._held[full_key] = held
        return held

    def drop(self, key: str) -> None:
        """Lets go of the programs of a program key, one of which ended in an error."""
        for held in [held for held in self._held if held[0] == key]:
            del self._held[held]
