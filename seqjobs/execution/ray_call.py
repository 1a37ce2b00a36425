"""RayCall: packs on their way through one worker, in one stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from seqjobs.errors import ClusterError
from seqjobs.execution.events import Member
from seqjobs.execution.pack_run import PackStopped
from seqjobs.execution.stream_items import Begun, Ended, Reported
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import PackCheckpoint, Weights

# Taken from one stream before the others are looked at again.
ITEMS_AT_ONCE = 64
# How long it takes at most until it is known that an actor has died that cannot be reached.
DEATH_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A pack has ended and all of it is here, or can be fetched."""

    ended: Ended
    members: tuple[Member, ...]


@final
class RayCall:
    """A call of a worker's `run`; `packs` are those that have not ended, the first the one that the worker is at."""

    def __init__(
        self, ray: Any, actor: Any, packs: Sequence[Pack], dataset: Any, saved: Mapping[str, bytes], run: str
    ) -> None:
        self.packs = deque(packs)
        self.has_begun = False
        """Whether the worker is known to have begun the first pack."""
        # In a list Ray leaves a reference what it is.
        rows = [dataset] if packs[0].resources.workers > 1 else []
        self.stream = actor.run.options(num_returns="streaming").remote(tuple(packs), dataset, dict(saved), run, rows)
        self._ray = ray
        self._ended: Ended | None = None

    def read(self) -> Iterator[Begun | Reported | PackCheckpoint | PackStopped | Whole]:
        """What has come, without waiting. Raises Ray's errors, and StreamEndedError.

        The first pack is taken off by the reader once its Whole has come.
        """
        for _ in range(ITEMS_AT_ONCE):
            if not self.packs:
                return
            if self.stream.is_finished():
                raise StreamEndedError("its stream ended early")
            if not self.stream.next_ready():
                return
            reference = next(self.stream)
            # A stream that breaks off ends with this one, which holds the reason.
            if self._ended is not None and reference != self.stream.completed():
                yield self._whole(self._ended, reference)
                self._ended = None
            else:
                yield from self._unpacked(self._ray.get(reference))

    def _unpacked(self, item: Any) -> Iterator[Begun | Reported | PackCheckpoint | PackStopped | Whole]:
        for part in item:
            if not isinstance(part, Ended):
                yield part
            elif part.weights_follow:
                self._ended = part
            else:
                yield self._whole(part, None)

    def _whole(self, ended: Ended, reference: Any) -> Whole:
        fetchers = (
            (_giving(weights) for weights in ended.end.weights)
            if reference is None
            else (self._fetching(reference, index) for index in range(len(ended.end.outcomes)))
        )
        members = (
            Member(outcome=outcome, fetch_weights=fetch)
            for outcome, fetch in zip(ended.end.outcomes, fetchers, strict=False)
        )
        return Whole(ended=ended, members=tuple(members))

    def _fetching(self, reference: Any, index: int) -> Callable[[], Weights]:
        def fetch() -> Weights:
            try:
                weights: Weights = self._ray.get(reference)[index]
            except self._ray.exceptions.RayError as error:
                what = f"weights were lost with their node: {reason_of(error)}"
                raise ClusterError("E509", what, fix="run the same command again to resume.") from error
            return weights

        return fetch


class StreamEndedError(Exception):
    """A worker's stream ended before its packs did."""


def death_of(ray: Any, actor: Any, error: BaseException) -> BaseException | None:
    """What an actor died of that failed with `error`; None where only Ray's connection to it was lost.

    Of that Ray tells at once, and of a death a moment later, if there was one.
    """
    if not isinstance(error, ray.exceptions.ActorUnavailableError):
        return error
    try:
        ray.get(actor.facts.remote(), timeout=DEATH_SECONDS)
    except (ray.exceptions.ActorUnavailableError, ray.exceptions.GetTimeoutError):
        return None
    except ray.exceptions.RayError as death:
        return death  # type: ignore[no-any-return]
    return None


def _giving(weights: Weights) -> Callable[[], Weights]:
    return lambda: weights


def reason_of(error: BaseException) -> str:
    """Ray's explanation in one line: what is of interest stands behind `Worker exit detail`, or else at the end."""
    text = " ".join(str(error).split())
    for mark in ("Worker exit detail: ", "The actor is dead because "):
        _, found, rest = text.partition(mark)
        if found:
            return rest.split(". ")[0]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
