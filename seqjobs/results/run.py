"""Run: a run folder, read back."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

from seqjobs.errors import NotFoundError, StorageError
from seqjobs.execution.events import WorkerReplaced
from seqjobs.results.leaderboard import Entry, Leaderboard, rank_jobs
from seqjobs.results.log_reader import LogReader
from seqjobs.results.log_records import LogState, LostAttempt
from seqjobs.results.manifest import Manifest, StoredJob, StoredTrial, read_manifest
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.run_names import trial_log_name
from seqjobs.store.local_store import LocalStore
from seqjobs.store.run_store import RunStore
from seqjobs.training.outcome import Compilations
from seqjobs.training.trial_log import trial_log

# What a trial prints is cut to far less.
MAX_LOG_BYTES = 1 << 26


class RunStatus(StrEnum):
    """Whether trials are left, and whether a process works on them."""

    RUNNING = "running"
    """A process holds the lock of the run."""
    INTERRUPTED = "interrupted"
    """Trials are left and no process works on them; submit again to resume."""
    FINISHED = "finished"
    """Every trial finished or failed for good."""


@final
class Run:
    """A snapshot of a run's folder from the time of `open`; immutable, and read on demand."""

    def __init__(self, manifest: Manifest, state: LogState, store: RunStore, held: bool) -> None:
        self._manifest = manifest
        self._state = state
        self._held = held
        self.store = store

    @classmethod
    def open(cls, place: str | Path | RunStore) -> Self:
        """Read the run in a folder or in a store. Raises NotFoundError, RunFolderError or StorageError."""
        store = LocalStore(place) if isinstance(place, str | Path) else place
        manifest = read_manifest(store)
        held = store.is_held()
        log = LogReader(store, (trial.id for trial in manifest.trials))
        log.read()
        return cls(manifest, log.state(), store, held)

    def __repr__(self) -> str:
        return f"Run({self.id!r}, {self.status}, {self.num_finished} of {self.num_total} trials finished)"

    @property
    def id(self) -> str:
        return self._manifest.id

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return Path(self.store.where())

    @property
    def created(self) -> str:
        """The time of creation: ISO 8601, UTC."""
        return self._manifest.created

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of python, seqjobs, tensorflow, keras, ... that computed the run."""
        return self._manifest.versions

    @property
    def jobs(self) -> tuple[StoredJob, ...]:
        return self._manifest.jobs

    @property
    def trials(self) -> tuple[StoredTrial, ...]:
        """All planned trials, in the order of the plan."""
        return self._manifest.trials

    @property
    def models(self) -> Mapping[Path, str]:
        """The `.keras` files of best models -> the IDs of their trials."""
        return {self.path / name: trial_id for name, trial_id in self.written_models.items()}

    @property
    def written_models(self) -> Mapping[str, str]:
        """The names of best models in the run's store -> the IDs of their trials."""
        return self._state.models

    def model_digest(self, name: str) -> str:
        """Return the SHA-256 of one of `written_models` as it was written."""
        return self._state.model_digests[name]

    @property
    def records(self) -> Mapping[str, TrialRecord]:
        """The committed outcomes of trials, by trial ID."""
        return self._state.records

    @property
    def num_total(self) -> int:
        return len(self.trials)

    @property
    def num_finished(self) -> int:
        return sum(record.status is TrialStatus.FINISHED for record in self.records.values())

    @property
    def num_failed(self) -> int:
        return sum(record.status is TrialStatus.FAILED for record in self.records.values())

    @property
    def status(self) -> RunStatus:
        if self._held:
            return RunStatus.RUNNING
        return RunStatus.FINISHED if len(self.records) == self.num_total else RunStatus.INTERRUPTED

    @property
    def is_being_retried(self) -> bool:
        """Whether failed trials were trained again and no submit since then had nothing left to do."""
        return self._state.has_retries and not self._state.is_finished

    @property
    def replaced_workers(self) -> tuple[WorkerReplaced, ...]:
        """The workers that were replaced because they used more memory than their budget, in order."""
        return tuple(self._state.replaced)

    @property
    def lost_attempts(self) -> tuple[LostAttempt, ...]:
        """The attempts that died, in order; the outcomes of their trials are in `records`."""
        return tuple(self._state.lost)

    @property
    def compilations(self) -> Compilations:
        """The number of programs that the workers compiled, and the seconds that it took."""
        return self._state.compilations

    @property
    def seconds(self) -> float:
        """The seconds that all submits of the run worked."""
        return self._state.seconds

    @cached_property
    def leaderboards(self) -> tuple[Leaderboard, ...]:
        """The leaderboards, one per objective, in the order of the jobs."""
        return rank_jobs({job.name: job.objective for job in self.jobs}, self.trials, self.records)

    @property
    def leaderboard(self) -> Leaderboard:
        """The leaderboard of the first job's objective."""
        return self.leaderboards[0]

    @property
    def best(self) -> Entry | None:
        """The best repeat of the best assignment of the first leaderboard."""
        return self.leaderboard.best

    def best_of(self, job: str) -> Entry | None:
        """The best repeat of a job's best assignment."""
        entries = (entry for board in self.leaderboards for entry in board.entries if entry.job == job)
        return next((entry for entry in entries if entry.rank is not None), None)

    def trial(self, trial_id: str) -> StoredTrial:
        """Return the trial of an ID. Raises NotFoundError."""
        for trial in self.trials:
            if trial.id == trial_id:
                return trial
        raise NotFoundError("E612", f"run {self.id} has no trial '{trial_id}'", fix="see `seqjobs results`.")

    def trial_table(self) -> Any:
        """Return a pyarrow.Table, a row per ended trial: `results.tables.TRIALS_SCHEMA`, then a column per metric."""
        from seqjobs.results.tables import trial_table  # noqa: PLC0415 (Arrow is loaded only for tables)

        return trial_table(self.leaderboards, self.records, {job.name: job.keep_best for job in self.jobs})

    def histories(self) -> Any:
        """Return a pyarrow.Table, a row per trial and epoch: trial, epoch, one column per metric."""
        from seqjobs.results.tables import history_table  # noqa: PLC0415 (as above)

        return history_table(self.trials, self.records)

    def trial_log(self, trial_id: str) -> str:
        """Return the trial's epochs, what the trial printed, and why it failed.

        Raises NotFoundError if there is no such trial or the trial has not ended, StorageError E610 if the log cannot
        be read.
        """
        trial = self.trial(trial_id)
        record = self.records.get(trial.id)
        printed = self._printed(trial_log_name(trial.id))
        if record is None and not printed:
            raise NotFoundError(
                "E613", f"trial {trial.id} has no log yet", where=str(self.path), fix="wait until it has ended."
            )
        history = record.history if record is not None else {}
        return trial_log(trial.id, trial.job, trial.seed, trial.hyperparameters, history) + printed

    def _printed(self, name: str) -> str:
        """Return what a trial printed; "" if there is nothing. Raises StorageError E610."""
        try:
            content = self.store.get(name, at_most=MAX_LOG_BYTES)
        except FileNotFoundError:
            return ""
        except OSError as error:
            what, fix = f"the trial's log cannot be read: {error.strerror}", "check the file, or remove it."
            raise StorageError("E610", what, where=self.store.where(name), fix=fix) from error
        return content.decode(errors="replace")
