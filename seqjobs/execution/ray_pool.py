"""RayPool: carries out packs on warm Ray actors."""

from __future__ import annotations

import contextlib
import itertools
import math
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, final

from seqjobs.data.column_mistakes import ColumnsError
from seqjobs.data.data_source import DataSource
from seqjobs.data.dataset import DataSchema
from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.data.new_rows import NewBatch
from seqjobs.data.reading_note import reader_died
from seqjobs.data.streamed.scratch import remove_rows
from seqjobs.errors import ClusterError, SeqjobsError
from seqjobs.errors.redaction import redacted
from seqjobs.execution import ray_cluster
from seqjobs.execution.cluster_watch import watching
from seqjobs.execution.deadline import Deadline, TimeLimits
from seqjobs.execution.dispatch import Dispatch
from seqjobs.execution.draining import draining_watched
from seqjobs.execution.events import AttemptLost, Event
from seqjobs.execution.executor import DatasetFacts, Saved, nothing_saved
from seqjobs.execution.kept.leased import LeasedWorkers
from seqjobs.execution.memory_hint import with_memory_hint
from seqjobs.execution.new_rows_call import Predicted, answered
from seqjobs.execution.ray_asks import WAIT_SECONDS, Ask, Asks, Died, lost, raised_in_task
from seqjobs.execution.ray_slots import Slots
from seqjobs.execution.ray_worker import WorkerFacts, decode_alone
from seqjobs.execution.retry import UNTRIED, Tries, least_suspect_first
from seqjobs.execution.start_runner import StartRunner, start_runner
from seqjobs.execution.token_check import answers_anyone
from seqjobs.execution.worker_source import OwnWorkers, WorkerSource
from seqjobs.planning.resources import Resources
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.outcome import Cause, Failure, Stopping, Weights, never

# A worker may have to start for it; and it must not keep a run from its end.
EXPORT_SECONDS = 300.0
# Between two batches of a few MiB.
PREDICT_SECONDS = 1800.0
_LATE = ClusterError(
    "E519", f"no worker has predicted anything for {PREDICT_SECONDS:g} s", fix="run the same command again."
)


_NO_LIMITS = TimeLimits()


@final
class RayPool:
    """Workers on a Ray cluster: as many as it can hold and the packs need, each with TensorFlow imported once.

    `demand` says how many packs want which resources; the workers of the first are started at once, so that
    TensorFlow's import overlaps with reading the data. `workers` is the most workers at a time, None for no limit.
    With `use_kept` and no address they are those of the cluster that `seqjobs up` keeps, where it is of use; if it is
    not, `notify` is told why. What comes before training raises OutOfTimeError E518 once `limits.run_seconds` are over.
    `warn` is called if the cluster of an address asks for no token.
    """

    def __init__(  # noqa: PLR0913 - a callback for each kind of message
        self,
        demand: Mapping[Resources, int],
        *,
        workers: int | None = None,
        address: str | None = None,
        start: StartRunner = start_runner,
        use_kept: bool = False,
        limits: TimeLimits = _NO_LIMITS,
        notify: Callable[[str], None] = lambda _: None,
        stage: Callable[[str], None] = lambda _: None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._demand = dict(demand)
        self._workers = workers
        self._address = address
        self._start = start
        self._use_kept = use_kept
        self._limits = limits
        self._notify = notify
        self._stage = stage
        self._warn = warn
        self._deadline = Deadline.of_run(limits.run_seconds)
        self._stack = contextlib.ExitStack()
        self._ray: Any = None
        self._source: WorkerSource | None = None
        self._slots: Slots | None = None
        self._events: Generator[Event, None, None] | None = None
        self._datasets: dict[str, Any] = {}
        self._schemas: dict[str, DataSchema] = {}
        self._fingerprints: list[str] = []
        self._reading: Deadline | None = None

    def __enter__(self) -> Self:
        self._deadline = Deadline.of_run(self._limits.run_seconds)
        with contextlib.ExitStack() as stack:
            self._source = self._leased(stack) or self._own(stack)
            if self._demand:
                resources, count = next(iter(self._demand.items()))
                self._use(resources, count)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._events is not None:
            self._events.close()
        self._datasets.clear()
        self._slots = self._source = None
        self._stack.close()
        for fingerprint in self._fingerprints:
            remove_rows(fingerprint)

    def _own(self, stack: contextlib.ExitStack) -> WorkerSource:
        self._stage("starting workers" if self._address is None else "connecting to the cluster")
        self._ray = stack.enter_context(ray_cluster.connected(self._address))
        if self._address is not None and answers_anyone(self._ray, self._address):
            self._warn(
                f"the cluster at {redacted(self._address)} asks for no token: anyone who reaches it can run code on "
                "it, and read and change this run; start its nodes with RAY_AUTH_MODE=token (see cluster/README.md)"
            )
        watch = stack.enter_context(watching(self._ray))
        # The one machine of a local cluster goes with its driver.
        leaving = frozenset[str] if self._address is None else stack.enter_context(draining_watched(self._ray))
        return OwnWorkers(self._ray, self._start, watch, leaving)

    def _leased(self, stack: contextlib.ExitStack) -> WorkerSource | None:
        """Workers of the cluster that `seqjobs up` keeps, if there is one that is of use."""
        if not self._use_kept or self._address is not None:
            return None
        leased = LeasedWorkers.lease(self._demand or {Resources(): 1}, self._workers, self._start, self._notify)
        if leased is None:
            return None
        stack.callback(leased.close)
        self._stage("using the warm cluster")
        try:
            self._ray = stack.enter_context(ray_cluster.connected(leased.address, token=leased.token))
        except ClusterError as error:
            self._notify(f"the warm cluster is not used: {error.what}")
            return None
        leased.connect(self._ray)
        return leased

    def load(self, sources: Sequence[DataSource]) -> Mapping[str, DatasetFacts]:
        """One task a dataset reads and decodes it; Ray brings the one copy to each node that works with it."""
        found: dict[str, DatasetFacts] = {}
        wrong: dict[str, ColumnsError] = {}
        self._reading = Deadline(self._limits.read_seconds, self._unread(sources))
        for source, decoding in zip(sources, self._decode(sources), strict=True):
            answer, dataset = self._decoded(source, decoding)
            if isinstance(answer, ColumnsError):
                wrong[source.id] = answer
                continue
            if isinstance(answer, SeqjobsError):
                raise answer
            found[source.id] = answer
            self._fingerprints.append(answer.fingerprint)
            self._datasets[source.id] = dataset
            self._schemas[source.id] = answer.schema
        if wrong:
            raise ColumnsError.of(wrong)
        return found

    def _unread(self, sources: Sequence[DataSource]) -> ClusterError:
        first = sources[0].spec.train[0] if sources else ""
        what = f"the data was not read within {self._limits.read_seconds:g} s: a process hangs, or the data is large"
        fix = "run the same command again; for large data set a longer limits.stall, or off."
        return ClusterError("E519", what, where=str(first), fix=fix)

    def _decode(self, sources: Sequence[DataSource]) -> list[_Decoding]:
        if self._slots is None or self._source is None or not self._source.is_warm:
            return [self._decode_alone(source, secrets.token_hex(8)) for source in sources]
        # These have nothing else to do yet, and a process for a task would first import what they have.
        found = []
        for source, actor in zip(sources, itertools.cycle(self._slots.ready_actors()), strict=False):
            note = secrets.token_hex(8)
            facts, rows = actor.decode.options(num_returns=2).remote(source, note)
            found.append(_Decoding(note=note, facts=facts, rows=rows))
        return found

    def _decode_alone(self, source: DataSource, note: str) -> _Decoding:
        # No CPU is asked for: the actors may hold them all already.
        facts, rows = self._ray.remote(decode_alone).options(num_cpus=0, num_returns=2).remote(source, note)
        return _Decoding(note=note, facts=facts, rows=rows)

    def _decoded(self, source: DataSource, decoding: _Decoding) -> tuple[DatasetFacts | SeqjobsError, Any]:
        """Return the facts of a dataset, or what is wrong with it, and the reference of its rows.

        Ray repeats a task whose process died, and not the call of an actor that died.
        """
        exceptions = self._ray.exceptions
        try:
            return self._waited_for(decoding.facts, self._reading), decoding.rows
        except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError):
            return reader_died(source.spec.train[0]), None
        except exceptions.ActorDiedError:
            return self._decoded(source, self._decode_alone(source, decoding.note))
        except exceptions.RayTaskError as error:
            raise raised_in_task(self._ray, error, "data was read") from error
        except exceptions.RayError as error:
            raise lost(error) from error

    def check(self, trials: Sequence[Trial]) -> Mapping[str, Failure]:
        asks = {trial.id: self._asking("check", trial, self._datasets[trial.dataset]) for trial in trials}
        found = Asks(self._ray, self._any_slots(), self._deadline, "models were checked").answers(asks)
        return {trial_id: _failure(answer) for trial_id, answer in found.items() if answer is not None}

    def run(
        self,
        packs: Sequence[Pack],
        tries: Mapping[str, Tries],
        saved: Saved = nothing_saved,
        stopping: Stopping = never,
    ) -> Generator[Event, None, None]:
        # Suspects last, whatever resources they need: nothing else may be at work then.
        groups: dict[tuple[bool, Resources], list[Pack]] = {}
        for pack in least_suspect_first(packs, tries):
            groups.setdefault((tries.get(pack.id, UNTRIED).is_suspect, pack.resources), []).append(pack)
        for (_, resources), members in groups.items():
            if stopping():
                return
            slots = self._use(resources, len(members))
            dispatch = Dispatch(self._ray, slots, self._datasets, members, tries, saved, stopping)
            events = self._events = dispatch.events()
            by_id = {pack.id: pack for pack in members}
            with contextlib.closing(events):
                for event in events:
                    yield self._explained(event, by_id)

    def _explained(self, event: Event, packs: Mapping[str, Pack]) -> Event:
        # A pack that was split is not among those that were asked for; its parts are smaller.
        pack = packs.get(event.pack_id) if isinstance(event, AttemptLost) else None
        if pack is None or not isinstance(event, AttemptLost) or pack.dataset not in self._schemas:
            return event
        return with_memory_hint(event, pack, self._schemas[pack.dataset])

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes:
        return self._written(trial, self._asking("export", trial, feature_shape, weights))

    def export_with_preprocessing(self, model: FinishedModel) -> bytes:
        return self._written(model.trial, self._asking("export_with_preprocessing", model))

    def _written(self, trial: Trial, ask: Ask) -> bytes:
        what = f"no worker has written the model of trial {trial.id} within {EXPORT_SECONDS:g} s"
        late = ClusterError("E519", what, fix="run the same command again to resume.")
        deadline, work = Deadline(EXPORT_SECONDS, late), f"the model of trial {trial.id} was written"
        answer = Asks(self._ray, self._any_slots(), deadline, work).answers({trial.id: ask})[trial.id]
        content: bytes = _alive(answer, "writing a model")
        return content

    def predict(self, model: FinishedModel, batches: Iterable[NewBatch]) -> Iterator[Predicted]:
        held = self._ray.put(model)
        asks = (self._asking("predict", held, batch) for batch in batches)
        for answer in Asks(self._ray, self._any_slots(), _late(), "rows were predicted").in_order(asks, _late):
            yield answered(_alive(answer, "a prediction"))

    def evaluate(self, model: FinishedModel, rows: LabelledRows) -> Mapping[str, float]:
        asks = {model.trial.id: self._asking("evaluate", model, rows, secrets.token_hex(8))}
        workers, never_late = self._any_slots(), Deadline(math.inf, _LATE)
        most, work = self._limits.read_seconds, "the model was evaluated"
        answers = Asks(self._ray, workers, never_late, work, most_seconds=most).answers(asks)
        found: Mapping[str, float] = answered(_alive(answers[model.trial.id], "an evaluation"))
        return found

    def describe(self) -> WorkerFacts:
        """What a worker says of itself, once one has started."""
        facts: WorkerFacts = self._get(self._any_slots().ready_actors()[0].facts.remote())
        return facts

    def _use(self, resources: Resources, count: int) -> Slots:
        """The slots for packs of these resources; those of others are given back first, to make room."""
        if self._slots is not None and self._slots.resources == resources:
            self._slots.fill()
            return self._slots
        if self._slots is not None:
            self._slots.close()
        if self._source is None:
            raise RuntimeError("a RayPool has workers while it is entered")
        self._slots = Slots(
            ray=self._ray,
            resources=resources,
            count=count,
            limit=self._workers,
            source=self._source,
            waits_for_room=self._address is not None,
        )
        self._slots.fill()
        return self._slots

    def _any_slots(self) -> Slots:
        if self._slots is None:
            return self._use(Resources(), 1)
        return self._slots

    def _asking(self, method: str, *arguments: Any) -> Ask:
        return lambda actor: getattr(actor, method).remote(*arguments)

    def _get(self, reference: Any) -> Any:
        try:
            return self._waited_for(reference)
        except self._ray.exceptions.RayError as error:
            raise lost(error) from error

    def _waited_for(self, reference: Any, deadline: Deadline | None = None) -> Any:
        """The answer to a call. Raises Ray's errors, and ClusterError where the cluster is lost."""
        while not self._ray.wait([reference], timeout=WAIT_SECONDS, fetch_local=False)[0]:
            for limit in (self._deadline, deadline):
                if limit is not None:
                    limit.check()
            if self._source is not None:
                self._source.check()
            if self._slots is not None:
                self._slots.check_starts()
        return self._ray.get(reference)


@dataclass(frozen=True, kw_only=True)
class _Decoding:
    """A dataset that is being read: the id of the note on what is read, and Ray's references."""

    note: str
    facts: Any
    rows: Any


def _late() -> Deadline:
    return Deadline(PREDICT_SECONDS, _LATE)


def _alive(answer: Any, work: str) -> Any:
    """The answer. Raises ClusterError E509 where workers died of the work."""
    if isinstance(answer, Died):
        raise ClusterError("E509", f"workers died during {work}: {answer.reason}", fix=_LATE.fix)
    return answer


def _failure(answer: Failure | Died) -> Failure:
    if isinstance(answer, Died):
        return Failure(cause=Cause.CRASH, message=f"workers that build the model die: {answer.reason}")
    return answer
