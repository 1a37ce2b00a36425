"""PackHistory: the histories of all members of a pack in one array, and a member's as Keras's `History` has it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from seqjobs.data.dataset import Array


@dataclass(frozen=True, kw_only=True)
class PackHistory:
    """`values` is (metrics, epochs, members) float32: what Keras's metrics are."""

    metrics: tuple[str, ...]
    values: Array

    @classmethod
    def of(cls, epochs: Sequence[Mapping[str, Array]]) -> Self:
        """Out of metric -> (members,), an epoch each."""
        metrics = tuple(epochs[0]) if epochs else ()
        values = [[epoch[metric] for epoch in epochs] for metric in metrics]
        return cls(metrics=metrics, values=np.array(values, np.float32))

    def encode(self) -> dict[str, Any]:
        """As JSON has it: the numbers in base64, four bytes each, the lowest first."""
        data = np.ascontiguousarray(self.values, "<f4").tobytes()
        return {"metrics": self.metrics, "shape": self.values.shape, "float32": base64.b64encode(data).decode()}

    @classmethod
    def decode(cls, tree: Mapping[str, Any]) -> Self:
        """What `encode` gave."""
        values = np.frombuffer(base64.b64decode(tree["float32"]), "<f4").reshape(tree["shape"])
        return cls(metrics=tuple(tree["metrics"]), values=values.astype(np.float32, copy=False))

    def member(self, index: int, epochs: int) -> MemberHistory:
        """The first `epochs` of a member."""
        return MemberHistory(self, index, epochs)


def shared_history(histories: Sequence[Mapping[str, tuple[float, ...]]]) -> PackHistory | None:
    """The one that these are the first members of, in order; None where there is none."""
    members = [history for history in histories if isinstance(history, MemberHistory)]
    packs = {id(member.pack): member.pack for member in members}
    if len(packs) != 1 or [member.place for member in members] != list(range(len(histories))):
        return None
    (pack,) = packs.values()
    return pack


@final
class MemberHistory(Mapping[str, tuple[float, ...]]):
    """A view: members that travel together share the array."""

    __slots__ = ("epochs", "pack", "place")

    def __init__(self, pack: PackHistory, place: int, epochs: int) -> None:
        self.pack = pack
        self.place = place
        self.epochs = epochs

    def __getitem__(self, metric: str) -> tuple[float, ...]:
        try:
            index = self.pack.metrics.index(metric)
        except ValueError:
            raise KeyError(metric) from None
        return tuple(self.pack.values[index, : self.epochs, self.place].tolist())

    def __iter__(self) -> Iterator[str]:
        return iter(self.pack.metrics if self.epochs else ())

    def __len__(self) -> int:
        return len(self.pack.metrics) if self.epochs else 0

    def __repr__(self) -> str:
        return repr(dict(self))
