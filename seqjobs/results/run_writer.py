"""RunWriter: writes what happens in a submit into the run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, final

from seqjobs.errors import SeqjobsError, StorageError
from seqjobs.execution.events import Event, Waiting
from seqjobs.execution.retry import Tries
from seqjobs.planning.trial import Pack, Trial
from seqjobs.results import log_records
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.collector import Collector
from seqjobs.results.first_deaths import FirstDeaths
from seqjobs.results.progress import Progress
from seqjobs.results.run_contents import RunContents
from seqjobs.results.run_log import Record, RunLog
from seqjobs.results.run_names import BEST_OF_JOBS
from seqjobs.results.weights import WeightsStore
from seqjobs.store.durable import reported
from seqjobs.training.outcome import PackCheckpoint, Weights


class Exporter(Protocol):
    """The one thing that is asked of an executor here."""

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes: ...


IN_ORDER = (SeqjobsError, KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a submit through no fault of the trials that are under way; anything unforeseen may be theirs."""


@final
class RunWriter:
    """Owns the run from its first record on. On leaving, whatever was handled is committed, then tables are written.

    All of it raises StorageError. Make it with `HeldRun.begin`.
    """

    def __init__(
        self,
        contents: RunContents,
        log: RunLog,
        checkpoints: CheckpointStore,
        progress: Progress,
        first_records: Sequence[Record],
    ) -> None:
        self._contents = contents
        self._log = log
        self._checkpoints = checkpoints
        self._progress = progress
        self._first_records = first_records
        self._deaths = FirstDeaths(contents.state.records.values())
        self._collector = Collector(contents.plan, contents.store, log, contents.state, checkpoints)

    def __enter__(self) -> Self:
        try:
            self._collector.note(*self._first_records)
            self._collector.commit()
            # Removed only now, by the owner of the run: who could create a segment.
            self._contents.remove_strays(self._log, self._checkpoints)
            self._progress.planned(self._contents.store.name, self._contents.plan, self._collector.standing)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_log(error)
        if not isinstance(error, StorageError):
            self._contents.write_tables(self._log, self._collector.standing.records)

    @property
    def packs_left(self) -> tuple[Pack, ...]:
        """The packs with a trial that had not ended when this submit began, as they were split by then."""
        return self._contents.packs_left()

    @property
    def packs_without_weights(self) -> tuple[Pack, ...]:
        """The packs to train once more for weights that were removed: of trials that are among the best after all.

        Trials keep their records.
        """
        lacking = self._contents.trials_without_weights(self._collector.standing.records)
        self._collector.keep_weights_of(lacking)
        return self._contents.packs_of(lacking)

    @property
    def tries(self) -> Mapping[str, Tries]:
        """What the attempts of earlier submits came to."""
        return self._contents.tries

    def checkpoint_of(self, pack_id: str) -> PackCheckpoint | None:
        """Return from where a pack can go on."""
        return self._checkpoints.load(pack_id)

    def handle(self, event: Event) -> None:
        """Take an event of the executor: first what must not be lost, then the screen.

        Raises ClusterError E517 if nothing but deaths was reported.
        """
        self._collector.handle(event)
        self._progress.event(event, self._collector.standing)
        self._deaths.look(event)

    def commit(self) -> None:
        """Make everything handled so far durable."""
        self._collector.commit()

    def export_best(self, executor: Exporter) -> None:
        """Have the best models written as `.keras` files, unless they are there already."""
        contents, records = self._contents, self._collector.standing.records
        trials = {trial.id: trial for trial in contents.plan.trials}
        made: dict[str, bytes] = {}
        for name, trial_id in contents.models_left(records).items():
            weights = records[trial_id].weights
            if weights is None:
                continue
            if trial_id not in made:
                self._progress.stage("writing the best model")
                shape = contents.manifest.dataset(trials[trial_id].dataset).feature_shape
                made[trial_id] = executor.export(trials[trial_id], shape, WeightsStore(contents.store).load(weights))
            self._write_model(name, trial_id, made[trial_id])

    def _write_model(self, name: str, trial_id: str, content: bytes) -> None:
        store = self._contents.store
        self._log.check_owned()
        with reported("the best model cannot be written", store.where(name)):
            if name.startswith(f"{BEST_OF_JOBS}/"):
                store.make_folders(BEST_OF_JOBS)
            store.put(name, content)
        self._collector.note(log_records.model_written(name, trial_id, hashlib.sha256(content).hexdigest()))
        # Now: whoever looks at the run meanwhile takes a model that is not in the log for a damaged one.
        self._collector.commit()
        self._contents.state.models[name] = trial_id

    def _end_log(self, error: BaseException | None) -> None:
        """Commit what was handled, and that the submit ended in order if it did: then no attempt is to blame."""
        collector = self._collector
        try:
            collector.commit()
            if error is None or isinstance(error, IN_ORDER):
                is_complete = self._contents.is_complete(collector.standing.records)
                collector.note(log_records.submit_ended(finished=is_complete))
                collector.commit()
            self._progress.event(Waiting(), collector.standing)
        except StorageError:
            if not isinstance(error, StorageError):  # else the store failed before, and that error is the one to report
                raise
