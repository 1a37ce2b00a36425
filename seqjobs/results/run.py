"""Run: a run folder, read back."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

from seqjobs.errors import NotFoundError
from seqjobs.execution.events import WorkerReplaced
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.leaderboard import Entry, Leaderboard, rank_jobs
from seqjobs.results.log_records import LogState, LostAttempt, fold
from seqjobs.results.manifest import Manifest, StoredJob, StoredTrial, read_manifest
from seqjobs.results.record import TrialRecord, TrialStatus
from seqjobs.results.run_log import last_segment, records_up_to
from seqjobs.storage.lock import is_held
from seqjobs.training.outcome import Compilations
from seqjobs.training.trial_log import trial_log


class RunStatus(StrEnum):
    """Whether anything is left to do, and whether somebody does it."""

    RUNNING = "running"
    """A process holds its lock."""
    INTERRUPTED = "interrupted"
    """Trials are left and nobody works on them; submitting again goes on."""
    FINISHED = "finished"
    """Every trial finished or failed for good."""


@final
class Run:
    """A run as its folder had it when it was opened; never changes, and reads only what is asked for."""

    def __init__(self, manifest: Manifest, state: LogState, paths: RunPaths, held: bool) -> None:
        self._manifest = manifest
        self._state = state
        self._held = held
        self.paths = paths

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Reads a run folder. Raises NotFoundError, RunFolderError or StorageError."""
        paths = RunPaths(root=Path(path))
        manifest = read_manifest(paths)
        held = is_held(paths.lock)
        records = records_up_to(paths.log, last_segment(paths.log))
        return cls(manifest, fold(records), paths, held)

    def __repr__(self) -> str:
        return f"Run({self.id!r}, {self.status}, {self.num_finished} of {self.num_total} trials finished)"

    @property
    def id(self) -> str:
        return self._manifest.id

    @property
    def path(self) -> Path:
        return self.paths.root

    @property
    def created(self) -> str:
        """ISO 8601, UTC."""
        return self._manifest.created

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    @property
    def versions(self) -> Mapping[str, str]:
        """Of what computed it: python, seqjobs, tensorflow, keras, ..."""
        return self._manifest.versions

    @property
    def jobs(self) -> tuple[StoredJob, ...]:
        return self._manifest.jobs

    @property
    def trials(self) -> tuple[StoredTrial, ...]:
        """Every trial planned, in the order of the plan."""
        return self._manifest.trials

    @property
    def models(self) -> Mapping[Path, str]:
        """The `.keras` files of best models -> the trials they were made of."""
        return {self.path / name: trial_id for name, trial_id in self._state.models.items()}

    @property
    def records(self) -> Mapping[str, TrialRecord]:
        """The committed ends of trials, by trial id."""
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
    def replaced_workers(self) -> tuple[WorkerReplaced, ...]:
        """The workers that held more memory than their budget, in order."""
        return tuple(self._state.replaced)

    @property
    def lost_attempts(self) -> tuple[LostAttempt, ...]:
        """The attempts that died, in order; what their trials came to is in `records`."""
        return tuple(self._state.lost)

    @property
    def compilations(self) -> Compilations:
        """How many programs its workers compiled, and for how long."""
        return self._state.compilations

    @property
    def seconds(self) -> float:
        """How long its submits worked, together."""
        return self._state.seconds

    @cached_property
    def leaderboards(self) -> tuple[Leaderboard, ...]:
        """One for each objective, in the order of the jobs."""
        return rank_jobs({job.name: job.objective for job in self.jobs}, self.trials, self.records)

    @property
    def leaderboard(self) -> Leaderboard:
        """Of the first job's objective."""
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
        """Raises NotFoundError."""
        for trial in self.trials:
            if trial.id == trial_id:
                return trial
        raise NotFoundError("E612", f"run {self.id} has no trial '{trial_id}'", fix="see `seqjobs results`.")

    def trial_table(self) -> Any:
        """A pyarrow.Table, one row per trial that ended: `results.tables.TRIALS_SCHEMA`, then a column per metric."""
        from seqjobs.results.tables import trial_table  # noqa: PLC0415 (Arrow is loaded only for who wants tables)

        return trial_table(self.leaderboards, self.records, {job.name: job.keep_best for job in self.jobs})

    def histories(self) -> Any:
        """A pyarrow.Table, one row a trial and epoch: trial, epoch, one column per metric."""
        from seqjobs.results.tables import history_table  # noqa: PLC0415 (as above)

        return history_table(self.trials, self.records)

    def trial_log(self, trial_id: str) -> str:
        """The trial's epochs, what was printed meanwhile, and why it failed.

        Raises NotFoundError where there is no such trial or it has not ended.
        """
        trial = self.trial(trial_id)
        record = self.records.get(trial.id)
        try:
            printed = self.paths.trial_log(trial.id).read_text(encoding="utf-8", errors="replace")
        except OSError:
            printed = ""
        if record is None and not printed:
            raise NotFoundError(
                "E613", f"trial {trial.id} has no log yet", where=str(self.path), fix="wait until it has ended."
            )
        history = record.history if record is not None else {}
        return trial_log(trial.id, trial.job, trial.seed, trial.hyperparameters, history) + printed
