"""hold_run: a run's store that a submit holds, before the submit has written anything."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import final

from seqjobs.data.file_times import file_times
from seqjobs.errors import NotFoundError, RunFolderError, StorageError
from seqjobs.execution.executor import DatasetFacts
from seqjobs.execution.versions import versions
from seqjobs.planning.expansion import TrialTable
from seqjobs.planning.plan import Plan, make_plan, plan_with
from seqjobs.planning.trial import Pack
from seqjobs.results import log_records
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.log_reader import LogReader
from seqjobs.results.log_records import LogState
from seqjobs.results.manifest import (
    Manifest,
    check_no_links,
    check_same_data,
    check_same_ids,
    check_same_plan,
    read_manifest,
    write_manifest,
)
from seqjobs.results.progress import Progress
from seqjobs.results.record import TrialStatus
from seqjobs.results.run_contents import RunContents, packs_left
from seqjobs.results.run_log import Record, RunLog, last_segment
from seqjobs.results.run_names import LOG, TRIAL_LOGS, WEIGHTS
from seqjobs.results.run_writer import RunWriter
from seqjobs.store.durable import reported
from seqjobs.store.run_store import RunStore


@contextlib.contextmanager
def hold_run(
    table: TrialTable, store: RunStore, *, must_exist: bool = False, retry_failed: bool = False
) -> Iterator[HeldRun]:
    """Hold the store of a run, new or not, for a submit of these trials.

    With `retry_failed`, trials that failed count as left. On leaving, the tables of a run that was not begun are
    written again: they can be derived. Raises RunFolderError if the run is held or was created from another spec;
    StorageError; with `must_exist`, NotFoundError E611 if the run is not there, because it was removed.
    """
    check_no_links(store)
    with store.hold(must_exist=must_exist):
        held = _read(table, store, retry_failed=retry_failed)
        if must_exist and held.is_new:
            what, fix = "this run was removed at this moment", "see `seqjobs ls`."
            raise NotFoundError("E611", what, where=store.where(), fix=fix)
        try:
            yield held
        except StorageError:
            raise
        except BaseException:
            held.leave()
            raise
        held.leave()


def _read(table: TrialTable, store: RunStore, *, retry_failed: bool) -> HeldRun:
    stored, state, last = None, LogState(), last_segment(store)
    try:
        manifest = read_manifest(store)
    except NotFoundError:
        if last:
            what, fix = "this folder has the log of a run, but not its run.json", "restore run.json from a copy."
            raise RunFolderError("E608", what, where=store.where(), fix=fix) from None
    else:
        check_same_plan(manifest, table, store.where())
        # While the store is held, what is read of the log is durable.
        log = LogReader(store, (trial.id for trial in manifest.trials))
        log.read()
        state, last = log.state(), log.last
        stored = RunContents(store, manifest, plan_with(table, manifest.choices), state)
    checkpoints = CheckpointStore(store)
    state.go_on_from(checkpoints.epochs)
    log_of_this = RunLog(store, next_number=last + 1)
    return HeldRun(table, store, log_of_this, checkpoints, stored, state, retry_failed=retry_failed)


@final
class HeldRun:
    """A run that is held: what earlier submits left, and the way to begin. Make it with `hold_run`."""

    def __init__(
        self,
        table: TrialTable,
        store: RunStore,
        log: RunLog,
        checkpoints: CheckpointStore,
        stored: RunContents | None,
        state: LogState,
        *,
        retry_failed: bool,
    ) -> None:
        self._table = table
        self._store = store
        self._log = log
        self._checkpoints = checkpoints
        self._stored = stored
        self._state = state
        self._retry_failed = retry_failed
        self._is_begun = False

    @property
    def is_new(self) -> bool:
        """Whether the run has not begun: there is no plan in its store."""
        return self._stored is None

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do but what can be derived."""
        return self._stored is not None and not self._again and self._stored.is_complete(self._state.records)

    @property
    def _again(self) -> frozenset[str]:
        """The trials that failed and are to be trained again."""
        if not self._retry_failed:
            return frozenset()
        records = self._state.records.items()
        return frozenset(trial_id for trial_id, record in records if record.status is TrialStatus.FAILED)

    def has_same_files(self) -> bool:
        """Return whether all data files are as they were when the run began, by their names, sizes and times."""
        if self._stored is None:
            return False
        then = {dataset.id: dataset.file_times for dataset in self._stored.manifest.datasets}
        now = {source.id: file_times(source) for source in self._table.datasets}
        return None not in now.values() and now == then

    def plan(self, facts: Mapping[str, DatasetFacts]) -> Plan:
        """Return the plan, with the choices that the run began with if it did.

        Raises RunFolderError: E421 if the data has changed, E603 if another version began the run and trials would be
        carried out otherwise; SpecError if data and models do not fit.
        """
        stored, choices = self._stored, None
        if stored is not None:
            check_same_data(stored.manifest, facts, self._store.where())
            choices = stored.manifest.choices
        schemas = {dataset_id: fact.schema for dataset_id, fact in facts.items()}
        plan = make_plan(self._table, schemas, facts, choices=choices)
        if stored is not None:
            check_same_ids(stored.manifest, plan, self._store.where())
        return plan

    def packs_left(self, plan: Plan) -> tuple[Pack, ...]:
        """Return the packs of the plan with a trial that is left, as they were split so far."""
        return packs_left(plan, self._state, self._again)

    def begin(
        self,
        plan: Plan,
        facts: Mapping[str, DatasetFacts],
        progress: Progress,
        times: Mapping[str, str | None] = MappingProxyType({}),
    ) -> RunWriter:
        """Create the run if it is new, and return what writes it. `times` are `file_times` by dataset."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        found = versions()
        if self._stored is None:
            manifest = Manifest.of(self._store.name, plan, facts, created=now, versions=found, file_times=times)
            with reported("the run cannot be created", self._store.where()):
                self._store.make_folders(LOG, WEIGHTS, TRIAL_LOGS)
                write_manifest(self._store, manifest)
        else:
            manifest = self._stored.manifest
        self._is_begun = True
        contents = RunContents(self._store, manifest, plan, self._state)
        retried = self._retry(contents)
        first = (log_records.submit_started(now, found, writer=secrets.token_hex(8)), *retried)
        return RunWriter(contents, self._log, self._checkpoints, progress, first)

    def _retry(self, contents: RunContents) -> tuple[Record, ...]:
        """Make the failed trials as if they had not ended, if they are to be trained again; return the record of it."""
        failed = self._again
        if not failed:
            return ()
        packs = [part.id for part in contents.packs_of(failed)]
        trials = [trial.id for trial in contents.plan.trials if trial.id in failed]
        self._state.retry(trials, packs)
        return (log_records.failed_retried(trials, packs),)

    def leave(self) -> None:
        """Write the tables again, if this submit has not begun: a `RunWriter` does it itself. Raises StorageError."""
        if self._stored is None or self._is_begun:
            return
        self._stored.write_tables(self._log, self._state.records)
        # If trials are left, the packs are known by the data, and the owner of the run by its first record.
        if self.is_finished:
            self._stored.remove_strays(self._log, self._checkpoints)
