"""CompactHistory: a history in a quarter of the memory, since a driver keeps those of all trials."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import final

from seqjobs.training.outcome import History
from seqjobs.training.pack_history import MemberHistory

_Layout = tuple[tuple[str, int], ...]
"""The metrics in order, each with the end of its numbers."""


@final
class CompactHistory(Mapping[str, tuple[float, ...]]):
    """A History with all of its numbers in one array; equal to the history it was made of, bit for bit."""

    __slots__ = ("_layout", "_numbers")

    def __init__(self, history: History) -> None:
        self._numbers = array("d")
        ends: list[tuple[str, int]] = []
        for metric, values in history.items():
            self._numbers.extend(values)
            ends.append((metric, len(self._numbers)))
        self._layout = _shared(tuple(ends))

    def __getitem__(self, metric: str) -> tuple[float, ...]:
        start = 0
        for name, end in self._layout:
            if name == metric:
                return tuple(self._numbers[start:end])
            start = end
        raise KeyError(metric)

    def __iter__(self) -> Iterator[str]:
        return (metric for metric, _ in self._layout)

    def __len__(self) -> int:
        return len(self._layout)

    def __repr__(self) -> str:
        return repr(dict(self))


def compact(history: History) -> History:
    """A member's history shares the array of its pack already."""
    return history if isinstance(history, MemberHistory) else CompactHistory(history)


@lru_cache(maxsize=1024)
def _shared(layout: _Layout) -> _Layout:
    """One object for the layouts of all trials with the same metrics and epochs."""
    return layout
