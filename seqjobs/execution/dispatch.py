"""Dispatch: the loop that gives packs to workers and turns what they stream into events."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from seqjobs.execution.attempts import Attempts
from seqjobs.execution.events import (
    AttemptEnded,
    AttemptLost,
    AttemptPlanned,
    AttemptsPlanned,
    AttemptStarted,
    CheckpointTaken,
    EpochEnded,
    Event,
    Waiting,
    WorkerLost,
    WorkerReplaced,
    WorkerStarted,
)
from seqjobs.execution.executor import Saved
from seqjobs.execution.pack_queue import PackQueue
from seqjobs.execution.pack_run import PackStopped
from seqjobs.execution.ray_call import RayCall, StreamEndedError, Whole, death_of, reason_of
from seqjobs.execution.ray_slots import Slot, Slots
from seqjobs.execution.ray_worker import SIGNALS
from seqjobs.execution.retry import UNTRIED, Tries, least_suspect_first
from seqjobs.execution.stall_watch import StallWatch, trial_seconds
from seqjobs.execution.stream_items import Begun, Reported
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import Cause, Failure, PackCheckpoint, Stopping

# A worker has the next call at hand when it ends one.
IN_FLIGHT = 2
WAIT_SECONDS = 0.1
LEAVING = "its node is drained"
# Packs that are known to be short share a call: about as many as a worker trains in this time.
CALL_SECONDS = 0.25
MOST_PACKS = 100


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """Packs of one program, meant for a worker; `behind` names the pack that is the last before them there."""

    slot: Slot
    packs: tuple[Pack, ...]
    behind: str | None


@final
class Dispatch:
    """Carries out packs of one kind of resources on its slots; used once."""

    def __init__(
        self,
        ray: Any,
        slots: Slots,
        datasets: Mapping[str, Any],
        packs: Sequence[Pack],
        tries: Mapping[str, Tries],
        saved: Saved,
        stopping: Stopping,
    ) -> None:
        self._ray = ray
        self._slots = slots
        self._datasets = datasets
        self._packs = packs
        self._saved = saved
        self._stopping = stopping
        self._run = secrets.token_hex(8)  # what workers know this by
        self._has_asked = False
        self._tries = tries
        self._attempts = Attempts(tries)
        self._queue = PackQueue(())
        # They were at work when a driver died, and got further since: they begin after all others.
        self._later: list[Pack] = []
        # They ran out of memory, or may have killed a driver: each is tried when nothing else is at work.
        self._alone: list[Pack] = []
        self._calls: dict[str, list[RayCall]] = {}
        self._suspects: set[str] = set()
        self._watch = StallWatch()
        self._pace: dict[str, float] = {}  # program -> seconds of a pack of it, the last one that ended

    def events(self) -> Generator[Event, None, None]:
        """See `Executor.run`. Raises ClusterError."""
        refused = {pack.id: lost for pack in self._packs if (lost := self._attempts.refused(pack)) is not None}
        yield from refused.values()
        self._line_up([pack for pack in self._packs if pack.id not in refused])
        try:
            while any(self._calls.values()) or (self._any_wait and not self._stopping()):
                self._slots.source.check()
                self._slots.check_starts()
                yield from self._leave_nodes()
                if self._stopping():
                    self._ask_to_stop()
                    yield from self._replace_full()
                else:
                    self._slots.refill_when_due()
                    yield from self._replace_full()
                    yield from self._dispatch()
                happened = False
                for event in itertools.chain(self._receive(), self._replace_stalled(), self._end_overdue()):
                    happened = True
                    yield event
                if not happened:
                    yield Waiting(reason=self._slots.lack)
        finally:
            self._stop()

    def _line_up(self, packs: Sequence[Pack]) -> None:
        first = []
        for pack in least_suspect_first(packs, self._tries):
            if self._attempts.is_suspect(pack):
                self._alone.append(pack)
            elif self._tries.get(pack.id, UNTRIED).with_driver:
                self._later.append(pack)
            else:
                first.append(pack)
        self._queue = PackQueue(first)

    @property
    def _any_wait(self) -> bool:
        return bool(self._queue or self._later or self._alone)

    def _stop(self) -> None:
        """Ends the workers that are at something: Ray cannot stop what an actor does otherwise."""
        for slot in [slot for slot in self._slots.slots if self._calls.get(slot.name)]:
            self._slots.remove(slot, "stopped")
        self._calls.clear()

    def _ask_to_stop(self) -> None:
        """Has the workers save what they are at, and begin nothing of what they have at hand."""
        for slot in self._slots.slots if not self._has_asked else ():
            self._ask(slot)
        self._has_asked = True

    def _ask(self, slot: Slot) -> None:
        if self._calls.get(slot.name):
            slot.actor.stop.options(concurrency_group=SIGNALS).remote(self._run)

    def _fill(self) -> None:
        """Starts workers in the place of those that are gone, where there is something for them."""
        if not self._has_asked:
            self._slots.fill()

    def _dispatch(self) -> Iterator[Event]:
        planned = list(self._plan())
        if not planned:
            return
        found = {pack.id: self._saved(pack.id) for plan in planned for pack in plan.packs}
        saved = {pack_id: checkpoint for pack_id, checkpoint in found.items() if checkpoint is not None}
        yield AttemptsPlanned(attempts=tuple(attempt for plan in planned for attempt in self._tell(plan, saved)))
        for plan in planned:
            dataset = self._datasets[plan.packs[0].dataset]
            contents = {pack.id: saved[pack.id].content for pack in plan.packs if pack.id in saved}
            call = RayCall(self._ray, plan.slot.actor, plan.packs, dataset, contents, self._run)
            self._calls.setdefault(plan.slot.name, []).append(call)

    def _leave_nodes(self) -> Iterator[Event]:
        """Workers on machines that are to go save what they are at and begin nothing more; others take their places.

        One that nothing is left for may stay as long as the machine does.
        """
        for slot in [slot for slot in self._slots.slots if self._slots.is_leaving(slot)]:
            if not self._calls.get(slot.name):
                if self._any_wait:
                    yield from self._leave(slot)
            elif not slot.is_asked_to_leave:
                slot.is_asked_to_leave = True
                self._ask(slot)
                self._fill()

    def _leave(self, slot: Slot) -> Iterator[Event]:
        self._slots.remove(slot, LEAVING)
        yield WorkerLost(worker=slot.name, reason=LEAVING)
        why = Failure(cause=Cause.INFRASTRUCTURE, message=f"{LEAVING}: its trials are saved and continue elsewhere")
        calls = self._calls.get(slot.name, [])
        yield from self._lose_worker(slot, [(pack, why) for call in calls for pack in call.packs])

    def _replace_full(self) -> Iterator[Event]:
        """Workers over their budget of memory begin nothing more, by themselves: what they were given goes to others.

        One that nothing is left for may stay, to export a model.
        """
        for slot in [slot for slot in self._slots.slots if self._slots.is_full(slot)]:
            calls, budget = self._calls.get(slot.name, []), self._slots.resources.memory
            if budget is None or not (self._any_wait or calls):
                continue
            self._slots.remove(slot, "replaced")
            yield WorkerReplaced(worker=slot.name, private_bytes=slot.private_bytes, budget=budget)
            why = Failure(cause=Cause.INFRASTRUCTURE, message="its worker was replaced before it began")
            yield from self._lose_worker(slot, [(pack, why) for call in calls for pack in call.packs])

    def _plan(self) -> Iterator[_Planned]:
        """Idle workers first; then one call more for each, while there is enough for all: a short queue stays shared.

        What was planned and then not dispatched, because somebody closed the events, is in no worker's hands.
        """
        if not self._queue:
            while self._later:
                self._queue.put_last(self._later.pop(0))
        if self._alone and not self._queue and not any(self._calls.values()):
            self._queue.put_last(self._alone.pop(0))
        planned: dict[str, _Planned] = {}
        for depth in range(IN_FLIGHT):
            for slot in self._slots.slots:
                calls = self._calls.get(slot.name, [])
                enough = depth == 0 or len(self._queue) >= len(self._slots.slots)
                if slot.facts is None or len(calls) + (slot.name in planned) > depth or not self._queue or not enough:
                    continue
                if self._slots.is_leaving(slot):
                    continue
                before = planned[slot.name].packs if slot.name in planned else calls[-1].packs if calls else ()
                program = self._queue.choose(slot.name)
                packs = self._queue.take(slot.name, program, self._most(program))
                planned[slot.name] = _Planned(slot=slot, packs=packs, behind=before[-1].id if before else None)
                yield planned[slot.name]

    def _most(self, program: str) -> int:
        """How many packs to put into a call: one, unless they are known to be short and there are enough for all."""
        pace = self._pace.get(program)
        if pace is None:
            return 1
        share = len(self._queue) // (len(self._slots.slots) * IN_FLIGHT)
        return max(1, min(MOST_PACKS, share, int(CALL_SECONDS / max(pace, CALL_SECONDS / MOST_PACKS))))

    def _tell(self, planned: _Planned, saved: Mapping[str, PackCheckpoint]) -> Iterator[AttemptPlanned]:
        worker, behind = planned.slot.name, planned.behind
        for pack in planned.packs:
            epochs = saved[pack.id].epochs if pack.id in saved else 0
            number = self._attempts.begin(pack, epochs)
            yield AttemptPlanned(
                pack_id=pack.id,
                attempt=number,
                worker=worker,
                behind=behind,
                epochs=epochs,
                alone=self._attempts.is_suspect(pack),
            )
            behind = pack.id

    def _receive(self) -> Iterator[Event]:
        starting = [slot for slot in self._slots.slots if slot.facts is None]
        # Only the first call of each: if its worker dies, what it has sent of that one is read before.
        working = [(slot, calls[0]) for slot in self._slots.slots if (calls := self._calls.get(slot.name))]
        ready = self._wait([*(slot.starting for slot in starting), *(call.stream for _, call in working)])
        for slot in starting:
            if slot.starting in ready:
                yield from self._receive_start(slot)
        for slot, call in working:
            if call.stream in ready:
                yield from self._receive_items(slot, call)

    def _wait(self, waitables: list[Any]) -> set[Any]:
        """All that are ready; where none is, the first one that gets ready soon."""
        if not waitables:
            time.sleep(WAIT_SECONDS)  # all workers died as they started, and the next ones are to wait
            return set()
        ready, _ = self._ray.wait(waitables, num_returns=len(waitables), timeout=0, fetch_local=False)
        if not ready:
            ready, _ = self._ray.wait(waitables, num_returns=1, timeout=WAIT_SECONDS, fetch_local=False)
        return set(ready)

    def _receive_start(self, slot: Slot) -> Iterator[Event]:
        try:
            facts = self._slots.started(slot)
        except self._ray.exceptions.RayError as error:
            reason = reason_of(error)
            self._slots.remove(slot, reason)
            yield WorkerLost(worker=slot.name, reason=reason)
            self._fill()
            return
        yield WorkerStarted(
            worker=slot.name, node=facts.node, pid=facts.pid, devices=facts.devices, versions=facts.versions
        )

    def _receive_items(self, slot: Slot, call: RayCall) -> Iterator[Event]:
        try:
            for item in call.read():
                yield from self._take(slot, call, item)
                if call not in self._calls.get(slot.name, ()) or self._slots.is_full(slot):
                    return
        except self._ray.exceptions.RayTaskError as error:
            failure = Failure(cause=Cause.CRASH, message=reason_of(error), traceback=str(error))
            yield from self._lose_call(slot, call, failure)
        except StreamEndedError as error:
            yield from self._worker_died(slot, self._error_behind(call) or error)
        except self._ray.exceptions.RayError as error:
            yield from self._worker_died(slot, error)

    def _replace_stalled(self) -> Iterator[Event]:
        """Workers that were silent for too long: of those that hang or were stopped nothing more is to be expected."""
        at_work = {slot.name: calls[0].packs[0] for slot in self._slots.slots if (calls := self._calls.get(slot.name))}
        stalled = self._watch.stalled(at_work)
        for slot in [slot for slot in self._slots.slots if slot.name in stalled]:
            why = self._watch.why(at_work[slot.name])
            yield from self._end_worker(slot, f"stalled, {why}", f"its worker stalled: {why}")

    def _end_overdue(self) -> Iterator[Event]:
        """Trials that hang in an epoch, where no worker looks at `limits.trial_time`: they fail with their workers."""
        heads = [(slot, calls[0]) for slot in self._slots.slots if (calls := self._calls.get(slot.name))]
        at_work = {slot.name: call.packs[0] for slot, call in heads if call.has_begun}
        overdue = self._watch.overdue(at_work)
        for slot in [slot for slot, _ in heads if slot.name in overdue]:
            most = trial_seconds(at_work[slot.name])
            what = f"it trained longer than limits.trial_time, {most:g} s, and was ended with its worker"
            yield from self._end_worker(slot, "its trial ran out of time", what, cause=Cause.TIME)

    def _take(
        self, slot: Slot, call: RayCall, item: Begun | Reported | PackCheckpoint | PackStopped | Whole
    ) -> Iterator[Event]:
        pack, worker = call.packs[0], slot.name
        number = self._attempts.number(pack)
        self._watch.heard(worker, pack)
        match item:
            case Begun():
                call.has_begun = True
                self._watch.turned(worker)
                yield AttemptStarted(pack_id=pack.id, attempt=number, worker=worker)
            case Reported():
                if item.reports:
                    yield EpochEnded(pack_id=pack.id, attempt=number, worker=worker, reports=item.reports)
            case PackCheckpoint():
                yield CheckpointTaken(pack_id=pack.id, attempt=number, worker=worker, checkpoint=item)
            case PackStopped() if self._slots.is_leaving(slot):
                yield from self._leave(slot)
            case PackStopped():
                self._calls[slot.name].remove(call)
            case Whole():
                yield from self._end(slot, call, item)

    def _end(self, slot: Slot, call: RayCall, whole: Whole) -> Iterator[Event]:
        pack, ended = call.packs.popleft(), whole.ended
        call.has_begun = False
        self._watch.turned(slot.name)
        if not call.packs:
            self._calls[slot.name].remove(call)
        self._pace[pack.program_key] = ended.seconds
        slot.private_bytes = ended.private_bytes
        over = self._attempts.over(pack, slot.name, ended.end, whole.members)
        self._put_back(pack, over)
        yield over

    def _worker_died(self, slot: Slot, error: BaseException) -> Iterator[Event]:
        # Then Ray has lost its connection, and nobody has told it yet of what.
        unknown = isinstance(error, self._ray.exceptions.ActorUnavailableError)
        source, facts = self._slots.source, slot.facts
        is_gone = self._slots.is_leaving(slot) or (
            facts is not None and not source.nodes_are_alive(facts.node_ids, ask=unknown)
        )
        death = None if is_gone else death_of(self._ray, slot.actor, error)
        reason = reason_of(death or error)
        cause = Cause.CRASH if death is not None else Cause.INFRASTRUCTURE
        if isinstance(death, self._ray.exceptions.OutOfMemoryError):
            cause = Cause.OUT_OF_MEMORY
        yield from self._end_worker(slot, reason, f"its worker died: {reason}", cause)

    def _end_worker(self, slot: Slot, reason: str, what: str, cause: Cause = Cause.CRASH) -> Iterator[Event]:
        """All that was on the worker is lost; only what it had begun can have brought it down."""
        self._slots.remove(slot, reason)
        yield WorkerLost(worker=slot.name, reason=reason)
        calls = self._calls.get(slot.name, [])
        culprit = self._culprit(calls) if cause is not Cause.INFRASTRUCTURE else None
        of_culprit, of_others = (Failure(cause=kind, message=what) for kind in (cause, Cause.INFRASTRUCTURE))
        lost = [(pack, of_culprit if pack is culprit else of_others) for call in calls for pack in call.packs]
        yield from self._lose_worker(slot, lost)

    def _culprit(self, calls: Sequence[RayCall]) -> Pack | None:
        """The pack that the worker died of, as far as one can know."""
        if not calls:
            return None
        first = calls[0].packs[0]
        # The word that it has begun may have died with the worker: that is believed once.
        if calls[0].has_begun or first.id in self._suspects:
            return first
        self._suspects.add(first.id)
        return None

    def _lose_worker(self, slot: Slot, lost: Sequence[tuple[Pack, Failure]]) -> Iterator[Event]:
        self._calls.pop(slot.name, None)
        self._queue.forget(slot.name)
        yield from self._lose(slot, lost)
        self._fill()

    def _lose_call(self, slot: Slot, call: RayCall, failure: Failure) -> Iterator[Event]:
        """The call itself raised, which is put to the pack that it was at; the worker lives."""
        self._calls[slot.name].remove(call)
        behind = Failure(cause=Cause.INFRASTRUCTURE, message=f"the call in which it waited was lost: {failure.message}")
        yield from self._lose(slot, [(pack, behind if index else failure) for index, pack in enumerate(call.packs)])

    def _lose(self, slot: Slot, lost: Sequence[tuple[Pack, Failure]]) -> Iterator[Event]:
        events = [self._attempts.lost(pack, slot.name, failure) for pack, failure in lost]
        # The last one first, so that they wait in their order again.
        for (pack, _), event in reversed(list(zip(lost, events, strict=True))):
            self._put_back(pack, event)
        yield from events

    def _put_back(self, pack: Pack, over: AttemptEnded | AttemptLost) -> None:
        again = self._attempts.again(pack, over)
        if isinstance(over, AttemptLost) and over.failure.cause is Cause.OUT_OF_MEMORY:
            self._alone.extend(again)
        elif again and self._attempts.is_suspect(again[0]):
            self._alone[:0] = again
        elif isinstance(over, AttemptLost) and over.charged and not self._attempts.any_ended:
            # Its worker, should it live, would take it again before programs that it does not hold.
            self._queue.forget(over.worker)
            for part in again:
                self._queue.put_last(part)
        else:
            for part in reversed(again):
                self._queue.put_back(part)

    def _error_behind(self, call: RayCall) -> BaseException | None:
        try:
            self._ray.get(call.stream.completed())
        except self._ray.exceptions.RayError as error:
            return error  # type: ignore[no-any-return]
        return None
