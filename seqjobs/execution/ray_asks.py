"""Asks: single calls of workers, outside of dispatch, answered whoever dies meanwhile."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

from seqjobs.errors import ClusterError, SeqjobsError
from seqjobs.errors.unforeseen import FORESEEN, bug_of
from seqjobs.execution.deadline import Deadline
from seqjobs.execution.ray_call import death_of, reason_of
from seqjobs.execution.ray_slots import Slot, Slots

WAIT_SECONDS = 0.1
# A worker may die by chance while it is asked something. Who asks of two what they die of is to blame.
MOST_DEATHS = 2
# Then it is no chance that Ray cannot reach workers.
MOST_LOST_CONNECTIONS = 10
# So that a worker has the next when it has answered one.
ASKED_AHEAD = 2

# A model is checked and a batch predicted in seconds, after a compilation of minutes at most.
ANSWER_SECONDS = 900.0
# Between two looks no more is held against a worker: this process may have been stopped meanwhile.
MOST_SECONDS_OF_A_LOOK = 1.0

Ask = Callable[[Any], Any]
"""Calls a method of an actor; returns Ray's reference to the answer."""


@dataclass(frozen=True, kw_only=True)
class Died:
    """In place of an answer: whatever worker was asked died of it."""

    reason: str


@final
class Asks:
    """Workers are asked in turn; one that dies is replaced, and what it was asked and had not begun costs nothing.

    A worker that is at one question for more than `most_seconds` counts as hung, and is replaced too.
    """

    def __init__(
        self, ray: Any, slots: Slots, deadline: Deadline, work: str, *, most_seconds: float | None = None
    ) -> None:
        """`work` is what is asked for, after "while", for example `a model was written`."""
        self._ray = ray
        self._work = work
        self._slots = slots
        self._deadline = deadline
        self._asked: dict[str, list[tuple[str, Any]]] = {}  # worker -> what it was asked, in order
        self._deaths: Counter[str] = Counter()
        self._lost_connections = 0
        self._most_seconds = ANSWER_SECONDS if most_seconds is None else most_seconds
        self._looked = time.monotonic()
        self._silent: dict[Any, float] = {}  # reference -> seconds that its worker has been at it

    def answers(self, asks: Mapping[str, Ask]) -> Mapping[str, Any]:
        """An answer, or Died, for each. Raises ClusterError E506, E507, E509, and what the deadline raises."""
        found: dict[str, Any] = {}
        self._ask(asks, asks)
        while len(found) < len(asks):
            self._ask(asks, self._collect(found))
        return found

    def in_order(self, asks: Iterable[Ask], renewed: Callable[[], Deadline]) -> Iterator[Any]:
        """As `answers`, of asks that are made one after the other: ASKED_AHEAD a worker, at most, are on their way.

        With every answer the deadline is renewed.
        """
        waiting: dict[str, Ask] = {}
        found: dict[str, Any] = {}
        coming, num_asked, num_given = iter(asks), 0, 0
        while True:
            for ask in itertools.islice(coming, max(0, ASKED_AHEAD * len(self._workers()) - len(waiting))):
                waiting[str(num_asked)] = ask
                self._ask(waiting, [str(num_asked)])
                num_asked += 1
            if not waiting:
                return
            self._ask(waiting, self._collect(found))
            while str(num_given) in found:
                yield found.pop(str(num_given))
                del waiting[str(num_given)]
                num_given += 1
                self._deadline = renewed()

    def _ask(self, asks: Mapping[str, Ask], names: Iterable[str]) -> None:
        """Each of the worker that was asked least; of equals, of the one that has started first."""
        for name in names:
            slot = min(self._workers(), key=lambda slot: len(self._asked.get(slot.name, ())))
            self._asked.setdefault(slot.name, []).append((name, asks[name](slot.actor)))

    def _collect(self, found: dict[str, Any]) -> list[str]:
        """Takes the answers that are there; returns what is to be asked again."""
        left: list[str] = []
        for slot in self._ready():
            name, reference = self._asked[slot.name].pop(0)
            try:
                found[name] = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                raise raised_in_task(self._ray, error, self._work) from error
            except self._ray.exceptions.RayError as error:
                left.extend(other for other, _ in self._asked.pop(slot.name))
                death = death_of(self._ray, slot.actor, error)
                if self._is_to_blame(name, slot, death, error):
                    found[name] = Died(reason=reason_of(death or error))
                else:
                    left.append(name)
        return left + self._replace_hung(found)

    def _replace_hung(self, found: dict[str, Any]) -> list[str]:
        """Replace the workers that are at one question for too long; return what is to be asked again."""
        now, left = time.monotonic(), list[str]()
        passed, self._looked = min(now - self._looked, MOST_SECONDS_OF_A_LOOK), now
        at_work = {slot.name: slot for slot in self._slots.slots if self._asked.get(slot.name)}
        self._silent = {
            reference: self._silent.get(reference, 0.0) + (passed if self._is_ready(slot) else 0.0)
            for name, slot in at_work.items()
            for _, reference in self._asked[name][:1]
        }
        for name, slot in at_work.items():
            asked, reference = self._asked[name][0]
            if self._silent[reference] <= self._most_seconds:
                continue
            left.extend(other for other, _ in self._asked.pop(name)[1:])
            reason = f"it gave no answer for {self._most_seconds:g} s"
            self._slots.remove(slot, reason, had_started=True)
            self._slots.fill()
            self._deaths[asked] += 1
            if self._deaths[asked] >= MOST_DEATHS:
                found[asked] = Died(reason=reason)
            else:
                left.append(asked)
        return left

    def _is_ready(self, slot: Slot) -> bool:
        """Whether the worker has started; `Slots.check_starts` looks at those that have not."""
        return slot.facts is not None or bool(self._ray.wait([slot.starting], timeout=0, fetch_local=False)[0])

    def _workers(self) -> list[Slot]:
        """All, at least one, those that have started first; Ray queues what is asked of those that start still."""
        while not self._slots.slots:
            self._deadline.check()
            self._slots.fill()
            if not self._slots.slots:
                time.sleep(WAIT_SECONDS)
        return sorted(self._slots.slots, key=lambda slot: slot.facts is None)

    def _ready(self) -> list[Slot]:
        """The workers that have answered, or have died of, the first of what they were asked."""
        self._deadline.check()
        self._slots.source.check()
        self._slots.check_starts()
        heads = {asked[0][1]: name for name, asked in self._asked.items() if asked}
        if not heads:
            return []
        ready, _ = self._ray.wait(list(heads), num_returns=1, timeout=WAIT_SECONDS, fetch_local=False)
        names = {heads[reference] for reference in ready}
        return [slot for slot in self._slots.slots if slot.name in names]

    def _is_to_blame(self, name: str, slot: Slot, death: BaseException | None, error: BaseException) -> bool:
        """Replaces the worker; whether what it was asked has brought it down, and others before.

        Raises ClusterError E509 where connections are lost again and again.
        """
        self._lost_connections += death is None
        if self._lost_connections > MOST_LOST_CONNECTIONS:
            raise lost(error)
        had_started = death is not None and self._had_started(slot)
        self._slots.remove(slot, reason_of(death or error), had_started=had_started or death is None)
        self._slots.fill()
        self._deaths[name] += had_started
        return self._deaths[name] >= MOST_DEATHS

    def _had_started(self, slot: Slot) -> bool:
        try:
            self._ray.get(slot.starting)
        except self._ray.exceptions.RayError:
            return False
        return True


def raised_in_task(ray: Any, error: Any, doing: str) -> SeqjobsError:
    """Return what is raised for a RayTaskError: an error that was raised in a task, and is not Ray's own.

    An error of seqjobs is itself. What the machine or Ray lacked may be there the next time; anything else is a bug.
    """
    cause = error.cause
    if isinstance(cause, SeqjobsError):
        return cause
    if isinstance(cause, (*FORESEEN, ray.exceptions.RayError)):
        return lost(error)
    return bug_of(cause or error, doing, trace=str(error))


def lost(error: BaseException) -> ClusterError:
    """What is raised for a call that Ray has lost."""
    first = str(error).strip().splitlines()[0]
    return ClusterError("E509", f"a Ray task was lost: {first}", fix="run the same command again to resume.")
