"""Dispatch: the loop that gives packs to workers and turns what they stream into events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from seqjobs.errors import ClusterError
from seqjobs.execution import ray_cluster
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptPlanned,
    AttemptsPlanned,
    AttemptStarted,
    EpochEnded,
    Event,
    Member,
    Waiting,
    WorkerLost,
    WorkerStarted,
)
from seqjobs.execution.ray_slots import Slot, Slots
from seqjobs.execution.ray_worker import Begun, Ended
from seqjobs.execution.retry import exhausted, judge, retryable_failure
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import Cause, EpochReport, Failure, TrialOutcome, Weights

# A worker has the next pack at hand when it ends one.
IN_FLIGHT = 2
WAIT_SECONDS = 0.1
# Taken from one stream before the others are looked at again.
ITEMS_AT_ONCE = 64


@dataclass(kw_only=True)
class _Attempt:
    """One pack on one worker. `outcomes` and `weights` fill up member by member."""

    pack: Pack
    number: int
    slot: Slot
    behind: str | None
    stream: Any = None
    begun: bool = False
    outcomes: list[TrialOutcome] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)

    def planned(self) -> AttemptPlanned:
        return AttemptPlanned(pack_id=self.pack.id, attempt=self.number, worker=self.slot.name, behind=self.behind)


@final
class Dispatch:
    """Carries out packs of one kind of resources on its slots; used once."""

    def __init__(
        self, ray: Any, slots: Slots, datasets: Mapping[str, Any], packs: Sequence[Pack], charged: Mapping[str, int]
    ) -> None:
        self._ray = ray
        self._slots = slots
        self._datasets = datasets
        self._queue = deque(packs)
        self._charged = dict(charged)
        self._attempts: list[_Attempt] = []

    def events(self) -> Iterator[Event]:
        """Every pack ends in AttemptEnded or a final AttemptLost. Raises ClusterError."""
        yield from self._refuse_exhausted()
        while self._queue or self._attempts:
            self._slots.refill_when_due()
            yield from self._dispatch()
            happened = False
            for event in self._receive():
                happened = True
                yield event
            if not happened:
                yield Waiting()

    def _refuse_exhausted(self) -> Iterator[Event]:
        """Packs that died with their worker or driver too often in earlier submits are not begun again."""
        for pack in list(self._queue):
            charged = self._charged.get(pack.id, 0)
            if charged > pack.retries:
                self._queue.remove(pack)
                yield AttemptLost(
                    pack_id=pack.id, attempt=charged, worker="", failure=exhausted(charged), charged=False, final=True
                )

    def _dispatch(self) -> Iterator[Event]:
        planned = list(self._plan())
        if not planned:
            return
        yield AttemptsPlanned(attempts=tuple(attempt.planned() for attempt in planned))
        for attempt in planned:
            dataset = self._datasets[attempt.pack.dataset]
            run = attempt.slot.actor.run.options(num_returns="streaming")
            attempt.stream = run.remote(attempt.pack, dataset)
            self._attempts.append(attempt)

    def _plan(self) -> Iterator[_Attempt]:
        """Idle workers first; then one more for each, while there is enough for all: a short queue stays shared."""
        in_flight: dict[str, list[_Attempt]] = {slot.name: [] for slot in self._slots.slots}
        for attempt in self._attempts:
            in_flight[attempt.slot.name].append(attempt)
        for depth in range(IN_FLIGHT):
            for slot in self._slots.slots:
                waiting = in_flight[slot.name]
                enough = depth == 0 or len(self._queue) >= len(self._slots.slots)
                if slot.facts is None or len(waiting) > depth or not self._queue or not enough:
                    continue
                pack = self._next_pack(slot)
                behind = waiting[-1].pack.id if waiting else None
                attempt = _Attempt(pack=pack, number=self._charged.get(pack.id, 0) + 1, slot=slot, behind=behind)
                waiting.append(attempt)
                yield attempt

    def _next_pack(self, slot: Slot) -> Pack:
        """The first pack of the program the worker had last, else the first."""
        index = next((i for i, pack in enumerate(self._queue) if pack.program_key == slot.last_program), 0)
        pack = self._queue[index]
        del self._queue[index]
        slot.last_program = pack.program_key
        return pack

    def _receive(self) -> Iterator[Event]:
        starting = [slot for slot in self._slots.slots if slot.facts is None]
        waitables = [*(slot.starting for slot in starting), *(attempt.stream for attempt in self._attempts)]
        if not waitables:
            return
        ready, _ = self._ray.wait(waitables, num_returns=1, timeout=WAIT_SECONDS, fetch_local=False)
        if not ready:
            return
        # Others that are ready too come along at no cost.
        ready, _ = self._ray.wait(waitables, num_returns=len(waitables), timeout=0, fetch_local=False)
        for slot in starting:
            if slot.starting in ready:
                yield from self._receive_start(slot)
        for attempt in list(self._attempts):
            if attempt.stream in ready and attempt in self._attempts:
                yield from self._receive_items(attempt)

    def _receive_start(self, slot: Slot) -> Iterator[Event]:
        try:
            facts = self._slots.started(slot)
        except self._ray.exceptions.RayError as error:
            reason = _reason(error)
            self._slots.remove(slot, reason)
            yield WorkerLost(worker=slot.name, reason=reason)
            self._slots.fill()
            return
        yield WorkerStarted(
            worker=slot.name, node=facts.node, pid=facts.pid, devices=facts.devices, versions=facts.versions
        )

    def _receive_items(self, attempt: _Attempt) -> Iterator[Event]:
        for _ in range(ITEMS_AT_ONCE):
            if attempt.stream.is_finished():
                # Without the closing item: the worker died where its weights should have come.
                yield from self._worker_died(attempt.slot, self._error_behind(attempt))
                return
            if not attempt.stream.next_ready():
                return
            reference = next(attempt.stream)
            if len(attempt.weights) < len(attempt.outcomes):
                # Weights follow each outcome. They stay where they are until somebody wants them.
                attempt.weights.append(reference)
                continue
            try:
                item = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                yield from self._lose(attempt, Failure(cause=Cause.CRASH, message=_reason(error), traceback=str(error)))
                return
            except self._ray.exceptions.RayError as error:
                yield from self._worker_died(attempt.slot, error)
                return
            if isinstance(item, Ended):
                yield from self._end(attempt)
                return
            yield from self._take(attempt, item)

    def _take(self, attempt: _Attempt, item: Any) -> Iterator[Event]:
        pack_id, number, worker = attempt.pack.id, attempt.number, attempt.slot.name
        if isinstance(item, Begun):
            attempt.begun = True
            yield AttemptStarted(pack_id=pack_id, attempt=number, worker=worker)
        elif isinstance(item, EpochReport):
            yield EpochEnded(pack_id=pack_id, attempt=number, worker=worker, report=item)
        elif isinstance(item, TrialOutcome):
            attempt.outcomes.append(item)

    def _end(self, attempt: _Attempt) -> Iterator[Event]:
        failure = retryable_failure(attempt.outcomes)
        if failure is not None:
            yield from self._lose(attempt, failure, log=attempt.outcomes[0].log)
            return
        self._attempts.remove(attempt)
        members = tuple(
            Member(outcome=outcome, fetch_weights=self._fetching(reference))
            for outcome, reference in zip(attempt.outcomes, attempt.weights, strict=True)
        )
        yield AttemptEnded(pack_id=attempt.pack.id, attempt=attempt.number, worker=attempt.slot.name, members=members)

    def _fetching(self, reference: Any) -> Callable[[], Weights]:
        def fetch() -> Weights:
            try:
                weights: Weights = self._ray.get(reference)
            except self._ray.exceptions.RayError as error:
                what = f"weights were lost with their node: {_reason(error)}"
                raise ClusterError("E509", what, fix="run the same command again to go on.") from error
            return weights

        return fetch

    def _worker_died(self, slot: Slot, error: BaseException) -> Iterator[Event]:
        """All that was on the worker is lost; only what it had begun can have killed it."""
        reason = _reason(error)
        lost = [attempt for attempt in self._attempts if attempt.slot is slot]
        infrastructure = slot.facts is not None and not ray_cluster.node_is_alive(self._ray, slot.facts.node_id)
        self._slots.remove(slot, reason)
        yield WorkerLost(worker=slot.name, reason=reason)
        for attempt in lost:
            cause = Cause.INFRASTRUCTURE if infrastructure or not attempt.begun else Cause.CRASH
            yield from self._lose(attempt, Failure(cause=cause, message=f"its worker died: {reason}"))
        self._slots.fill()

    def _lose(self, attempt: _Attempt, failure: Failure, log: str = "") -> Iterator[Event]:
        self._attempts.remove(attempt)
        pack = attempt.pack
        before = self._charged.get(pack.id, 0)
        verdict = judge(failure.cause, before, pack.retries)
        if verdict.charged:
            self._charged[pack.id] = before + 1
        if not verdict.final:
            self._queue.appendleft(pack)
        yield AttemptLost(
            pack_id=pack.id,
            attempt=attempt.number,
            worker=attempt.slot.name,
            failure=failure,
            charged=verdict.charged,
            final=verdict.final,
            log=log,
        )

    def _error_behind(self, attempt: _Attempt) -> BaseException:
        try:
            self._ray.get(attempt.weights[-1] if attempt.weights else attempt.stream.completed())
        except self._ray.exceptions.RayError as error:
            return error  # type: ignore[no-any-return]
        return RuntimeError("its stream ended early")


def _reason(error: BaseException) -> str:
    """Ray's explanation in one line: what is of interest stands behind `Worker exit detail`, or else at the end."""
    text = " ".join(str(error).split())
    for mark in ("Worker exit detail: ", "The actor is dead because "):
        _, found, rest = text.partition(mark)
        if found:
            return rest.split(". ")[0]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
