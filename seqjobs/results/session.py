"""Session: one submit at work on a run folder, from taking its lock to leaving it in order."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol, Self, final

from seqjobs.data.file_times import file_times
from seqjobs.errors import NotFoundError, RunFolderError, SeqjobsError, SpecError, StorageError
from seqjobs.errors.problems import Problem, Problems
from seqjobs.execution.events import Event, Waiting
from seqjobs.execution.executor import DatasetFacts
from seqjobs.execution.retry import UNTRIED, Tries
from seqjobs.execution.splitting import parts_of, suspects_in
from seqjobs.execution.versions import versions
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.plan import Plan, make_plan, planned
from seqjobs.planning.run_paths import RunPaths
from seqjobs.planning.trial import Pack, Trial
from seqjobs.results import log_records
from seqjobs.results.best_models import best_models
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.collector import Collector
from seqjobs.results.first_deaths import FirstDeaths
from seqjobs.results.leaderboard import Leaderboard, kept_trials, rank_jobs
from seqjobs.results.log_records import LogState
from seqjobs.results.manifest import (
    Manifest,
    check_same_data,
    check_same_ids,
    check_same_plan,
    read_manifest,
    write_manifest,
)
from seqjobs.results.progress import Progress
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.record_check import RecordCheck
from seqjobs.results.run_links import check_no_links
from seqjobs.results.run_log import Record, RunLog, check_log_is_there, last_segment, records_up_to
from seqjobs.results.tables import write_tables
from seqjobs.results.weights import WeightsStore
from seqjobs.storage import durable
from seqjobs.storage.lock import Lock
from seqjobs.training.outcome import Failure, PackCheckpoint, Weights


class Exporter(Protocol):
    """The one thing a session asks of an executor itself."""

    def export(self, trial: Trial, feature_shape: tuple[int, ...], weights: Weights) -> bytes: ...


IN_ORDER = (SeqjobsError, KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a submit through no fault of the trials that are under way; anything unforeseen may be theirs."""


@final
class Session:
    """Holds a run's lock while it is entered. On leaving, whatever was handled is committed and the tables are written.

    Entering raises RunFolderError where the run is held, or was created from another spec; all of it StorageError.
    With `retry_failed`, trials that failed count as left, and `begin` makes that durable.
    """

    def __init__(self, table: TrialTable, paths: RunPaths, progress: Progress, *, retry_failed: bool = False) -> None:
        self._table = table
        self._made: Plan | None = None
        self._paths = paths
        self._progress = progress
        self._retry_failed = retry_failed
        self._lock = Lock(paths.lock)
        self._manifest: Manifest | None = None
        self._state = LogState()
        self._deaths = FirstDeaths(())
        self._collector: Collector | None = None
        self._ranked: tuple[int, tuple[Leaderboard, ...]] | None = None
        self._log_ended = False

    def __enter__(self) -> Self:
        check_no_links(self._paths)
        with durable.reported("the run's folder cannot be created", self._paths.root):
            durable.make_folder(self._paths.root)
        try:
            self._lock.take()
            self._checkpoints = CheckpointStore(self._paths)
            self._manifest = self._stored_manifest()
            if self._manifest is not None:
                check_log_is_there(self._paths.log)
            self._last_segment = last_segment(self._paths.log)
            self._log = RunLog(self._paths.log, next_number=self._last_segment + 1)
            if self._last_segment:
                # A driver that died behind its last segment may have left its name only in memory.
                with durable.reported("the run's log cannot be made durable", self._paths.log):
                    durable.sync_folder(self._paths.log)
            if self._last_segment and self._manifest is None:
                what, fix = "this folder has the log of a run, but not its run.json", "restore run.json from a copy."
                raise RunFolderError("E608", what, where=str(self._paths.root), fix=fix)
            planned = () if self._manifest is None else self._manifest.trials
            check = RecordCheck(trial.id for trial in planned)
            self._state = log_records.fold(records_up_to(self._paths.log, self._last_segment, check))
            self._state.go_on_from(self._checkpoints.epochs)
            self._deaths = FirstDeaths(self._state.records.values())
        except BaseException:
            self._lock.give_back()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end_log(error)
            if self._manifest is not None and not isinstance(error, StorageError):
                self._write_tables(self._manifest)
                # Of a run that has an end to come, the packs are known by its data, and the owner by `begin`.
                if self._collector is None and self.is_finished:
                    self._remove_strays(self._manifest)
        finally:
            self._lock.give_back()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """On leaving, whatever was handled is committed: before workers are given back, which may take longer than
        whoever ends this process waits."""
        try:
            yield
        except BaseException as error:
            self._end_log(error)
            raise
        self._end_log(None)

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do but what can be derived."""
        return (
            self._manifest is not None
            and not self.packs_left
            and not self._models_left()
            and not self._trials_without_weights()
        )

    @property
    def is_new(self) -> bool:
        """Whether the run has not begun: there is no plan in its folder."""
        return self._manifest is None

    @property
    def packs_left(self) -> tuple[Pack, ...]:
        """The packs with a trial that has not ended, as they were split so far: members of one end together."""
        done = self._state.records.keys() - self._failed_to_retry
        return tuple(part for part in self._parts() if any(trial.id not in done for trial in part.trials))

    @property
    def packs_without_weights(self) -> tuple[Pack, ...]:
        """The packs to train once more for weights that were removed: of trials that are among the best after all.

        Only where failed trials were trained again, which changes the means of repeats. Trials keep their records.
        """
        lacking = self._trials_without_weights()
        self._begun().keep_weights_of(lacking)
        return tuple(part for part in self._parts() if any(trial.id in lacking for trial in part.trials))

    @property
    def _failed_to_retry(self) -> frozenset[str]:
        """The trials that failed and are to be trained again, until `begin` has noted it."""
        if not self._retry_failed or self._collector is not None:
            return frozenset()
        records = self._state.records.items()
        return frozenset(trial_id for trial_id, record in records if record.status is TrialStatus.FAILED)

    def _parts(self) -> Iterator[Pack]:
        """The packs as they were split so far."""
        return (part for pack in self._plan.packs for part in parts_of(pack, self._state.tries))

    def _trials_without_weights(self) -> frozenset[str]:
        records = self._records
        if not self._state.has_retries or len(records) < len(self._known().trials):
            return frozenset()
        kept = kept_trials(self._rank(self._known(), records), {job.name: job.keep.best for job in self._table.jobs})
        weights = {trial_id: records[trial_id].weights for trial_id in kept}
        return frozenset(
            trial_id
            for trial_id, digest in weights.items()
            if digest is None or not self._paths.weights_file(digest).is_file()
        )

    @property
    def _records(self) -> Mapping[str, TrialRecord]:
        return self._state.records if self._collector is None else self._collector.standing.records

    @property
    def trials_to_check(self) -> tuple[Trial, ...]:
        """One trial of each kind that is still to be trained: what is wrong with one is wrong with all."""
        first = {pack.shared_key: pack.trials[0] for pack in reversed(self.packs_left)}
        return tuple(reversed(first.values()))

    def checkpoint_of(self, pack_id: str) -> PackCheckpoint | None:
        """From where a pack can go on."""
        return self._checkpoints.load(pack_id)

    @property
    def tries(self) -> Mapping[str, Tries]:
        """What the attempts of earlier submits came to; the parts of suspects are suspects."""
        found = dict(self._state.tries)
        for pack in () if self._made is None else self._made.packs:
            for part_id in suspects_in(pack, self._state.tries):
                found[part_id] = replace(found.get(part_id, UNTRIED), is_suspect=True)
        return found

    def examine(self, facts: Mapping[str, DatasetFacts]) -> None:
        """Makes the plan, with the choices that the run began with if it did.

        Raises RunFolderError: E421 where the data has changed, E603 where another version began the run and trials
        would be carried out otherwise; SpecError where data and models do not fit.
        """
        choices = None
        if self._manifest is not None:
            check_same_data(self._manifest, facts, self._paths.root)
            choices = self._manifest.choices
        schemas = {dataset_id: fact.schema for dataset_id, fact in facts.items()}
        self._made = make_plan(self._table, schemas, facts, choices=choices)
        for warning in self._made.warnings:
            self._progress.warning(warning)
        if self._manifest is not None:
            check_same_ids(self._manifest, self._plan, self._paths.root)

    def has_same_files(self) -> bool:
        """Return whether all data files are as they were when the run began, by their names, sizes and times."""
        then = {dataset.id: dataset.file_times for dataset in self._known().datasets}
        now = {source.id: file_times(source) for source in self._table.datasets}
        return None not in now.values() and now == then

    def begin(self, facts: Mapping[str, DatasetFacts], times: Mapping[str, str | None] = MappingProxyType({})) -> None:
        """Creates the run where it is new; then the log is open. `times` are `file_times` by dataset."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        found = versions()
        if self._manifest is None:
            manifest = Manifest.of(
                self._paths.root.name, self._plan, facts, created=now, versions=found, file_times=times
            )
            with durable.reported("the run cannot be created", self._paths.root):
                self._create(manifest)
            self._manifest = manifest
        retried = self._retry()
        collector = Collector(self._plan, self._paths, self._log, self._state, self._checkpoints)
        collector.note(log_records.submit_started(now, found, writer=secrets.token_hex(8)), *retried)
        self._collector = collector
        collector.commit()
        # Removed only now, by the owner of the run: who could create a segment.
        self._remove_strays(self._manifest)
        self._progress.planned(self._paths.root.name, self._plan, collector.standing)

    def _retry(self) -> tuple[Record, ...]:
        """Make the failed trials as if they had not ended, if they are to be trained again; return the record of it."""
        failed = self._failed_to_retry
        if not failed:
            return ()
        packs = [part.id for part in self._parts() if any(trial.id in failed for trial in part.trials)]
        trials = [trial.id for trial in self._plan.trials if trial.id in failed]
        self._state.retry(trials, packs)
        return (log_records.failed_retried(trials, packs),)

    def refuse(self, failures: Mapping[str, Failure]) -> None:
        """Raises SpecError E313 with what a worker found of models that cannot be built or called."""
        found: list[Problem] = []
        for trial in self._plan.trials:
            if failure := failures.get(trial.id):
                problems = Problems()
                fix = "correct the layers, the loss or the shape of the data"
                problems.add("E313", ("model",), f"the model cannot be trained: {failure.message}", fix=fix)
                found.extend(self._plan.job(trial.job).locate(problems, trial.hyperparameters))
        if found:
            raise SpecError(found)

    def handle(self, event: Event) -> None:
        """Takes an event of the executor: first what must not be lost, then the screen.

        Raises ClusterError E517 where nothing but deaths was told of.
        """
        collector = self._begun()
        collector.handle(event)
        self._progress.event(event, collector.standing)
        self._deaths.look(event)

    def commit(self) -> None:
        self._begun().commit()

    def export_best(self, executor: Exporter) -> None:
        """Has the best models written as `.keras` files, where they are not there already."""
        collector = self._begun()
        store, trials = WeightsStore(self._paths), {trial.id: trial for trial in self._plan.trials}
        contents: dict[str, bytes] = {}
        for path, trial_id in self._models_left().items():
            weights = collector.standing.records[trial_id].weights
            if weights is None:
                continue
            if trial_id not in contents:
                self._progress.stage("writing the best model")
                shape = self._known().dataset(trials[trial_id].dataset).feature_shape
                contents[trial_id] = executor.export(trials[trial_id], shape, store.load(weights))
            self._log.check_owned()
            with durable.reported("the best model cannot be written", path):
                durable.make_folder(path.parent)
                durable.replace(path, contents[trial_id])
            digest = hashlib.sha256(contents[trial_id]).hexdigest()
            collector.note(log_records.model_written(str(path.relative_to(self._paths.root)), trial_id, digest))
            # Now: whoever looks at the run meanwhile takes a model that is not in the log for a damaged one.
            collector.commit()

    def _models_left(self) -> dict[Path, str]:
        """The files of best models that are missing, or of a trial that is not the best any more -> trial id."""
        records = self._records
        wanted = best_models(self._rank(self._known(), records), len(self._table.jobs), records, self._paths)
        return {
            path: trial_id
            for path, trial_id in wanted.items()
            if not path.exists() or self._state.models.get(str(path.relative_to(self._paths.root))) != trial_id
        }

    def _write_tables(self, manifest: Manifest) -> None:
        self._log.check_owned()
        write_tables(self._paths, self._rank(manifest, self._records), manifest, self._records)

    def _rank(self, manifest: Manifest, records: Mapping[str, TrialRecord]) -> tuple[Leaderboard, ...]:
        """Anew only where trials have ended since: no record changes or goes."""
        if self._ranked is None or self._ranked[0] != len(records):
            objectives = {job.name: job.objective for job in self._table.jobs}
            self._ranked = len(records), rank_jobs(objectives, manifest.trials, records)
        return self._ranked[1]

    def _create(self, manifest: Manifest) -> None:
        for folder in (self._paths.log, self._paths.weights, self._paths.trial_logs):
            durable.make_folder(folder)
        # An earlier submit may have made the folder, and have been killed before its name was durable.
        durable.sync_folder(self._paths.root.parent)
        write_manifest(self._paths, manifest)

    def _remove_strays(self, manifest: Manifest) -> None:
        """Removes what earlier submits left when they were killed: by the log as it was when this one began."""
        self._log.check_owned()
        records = self._state.records
        kept = kept_trials(self._rank(manifest, records), {job.name: job.keep.best for job in self._table.jobs})
        WeightsStore(self._paths).keep_only({records[trial].weights for trial in kept})
        self._checkpoints.keep_only({pack.id for pack in self.packs_left})
        # Of a trial that failed and trains again, and of ends that never came to a record.
        with durable.reported("the log of a trial cannot be removed", self._paths.trial_logs):
            logs = {path.stem: path for path in self._paths.trial_logs.glob("*.log")}
            for trial in manifest.trials:
                if trial.id in logs and trial.id not in records:
                    logs[trial.id].unlink(missing_ok=True)
        for folder in (self._paths.root, self._paths.log, self._paths.trial_logs, self._paths.best_of_jobs):
            with durable.reported("files of a killed submit cannot be removed", folder):
                durable.remove_asides(folder)

    def _end_log(self, error: BaseException | None) -> None:
        """Commits what was handled, and that the submit ended in order if it did: then no attempt is to blame."""
        collector = self._collector
        if collector is None or self._log_ended:
            return
        self._log_ended = True
        try:
            collector.commit()
            if error is None or isinstance(error, IN_ORDER):
                collector.note(log_records.submit_ended(finished=self._is_complete(collector)))
                collector.commit()
            self._progress.event(Waiting(), collector.standing)
        except StorageError:
            if not isinstance(error, StorageError):  # else storage failed before, and that error is the one to tell
                raise

    def _is_complete(self, collector: Collector) -> bool:
        """Return whether every trial has ended and the best models are written."""
        has_all = len(collector.standing.records) == collector.standing.total
        return has_all and not self._models_left() and not self._trials_without_weights()

    @property
    def _plan(self) -> Plan:
        if self._made is None:
            raise RuntimeError("a new run has a plan after `examine`")
        return self._made

    def _known(self) -> Manifest:
        if self._manifest is None:
            raise RuntimeError("a run has a manifest after `begin`")
        return self._manifest

    def _begun(self) -> Collector:
        if self._collector is None:
            raise RuntimeError("a session handles events after `begin`")
        return self._collector

    def _stored_manifest(self) -> Manifest | None:
        try:
            manifest = read_manifest(self._paths)
        except NotFoundError:
            return None
        check_same_plan(manifest, self._table, self._paths.root)
        self._made = planned(self._table, manifest.choices)
        return manifest
