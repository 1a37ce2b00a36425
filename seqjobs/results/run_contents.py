"""RunContents: what a run lacks, and what in its store can be derived or is of no use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import final

from seqjobs.execution.retry import UNTRIED, Tries
from seqjobs.execution.splitting import parts_of, suspects_in
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.results.best_models import best_models
from seqjobs.results.checkpoints import CheckpointStore
from seqjobs.results.leaderboard import Leaderboard, kept_trials, rank_jobs
from seqjobs.results.log_records import LogState
from seqjobs.results.manifest import Manifest
from seqjobs.results.record import TrialRecord
from seqjobs.results.run_log import RunLog
from seqjobs.results.run_names import TRIAL_LOGS, WEIGHTS, trial_log_name, weights_name
from seqjobs.results.tables import write_tables
from seqjobs.results.weights import WeightsStore
from seqjobs.store.durable import reported
from seqjobs.store.run_store import RunStore, is_there

Records = Mapping[str, TrialRecord]


@final
class RunContents:
    """A run as its log says, with its plan. `state` is that of the log when the submit began."""

    def __init__(self, store: RunStore, manifest: Manifest, plan: Plan, state: LogState) -> None:
        self.store = store
        self.manifest = manifest
        self.plan = plan
        self.state = state
        self._objectives = {job.name: job.objective for job in manifest.jobs}
        self._keep = {job.name: job.keep_best for job in manifest.jobs}
        self._ranked: tuple[int, tuple[Leaderboard, ...]] | None = None

    def packs_left(self, again: AbstractSet[str] = frozenset()) -> tuple[Pack, ...]:
        """Return the packs with a trial that has not ended, as they were split so far: members of one end together.

        `again` are trials that have ended and are trained again.
        """
        return packs_left(self.plan, self.state, again)

    def packs_of(self, trial_ids: AbstractSet[str]) -> tuple[Pack, ...]:
        """Return the packs of these trials, as they were split so far."""
        return tuple(part for part in _parts(self.plan, self.state) if trial_ids & {trial.id for trial in part.trials})

    @property
    def tries(self) -> Mapping[str, Tries]:
        """What the attempts of earlier submits came to; the parts of suspects are suspects."""
        found = dict(self.state.tries)
        for pack in self.plan.packs:
            for part_id in suspects_in(pack, self.state.tries):
                found[part_id] = replace(found.get(part_id, UNTRIED), is_suspect=True)
        return found

    def trials_without_weights(self, records: Records) -> frozenset[str]:
        """Return the trials among the best whose weights were removed, once all have ended.

        There are some only if failed trials were trained again, which changes the means of repeats.
        """
        if not self.state.has_retries or len(records) < len(self.manifest.trials):
            return frozenset()
        weights = {trial_id: records[trial_id].weights for trial_id in self._kept(records)}
        return frozenset(
            trial_id
            for trial_id, digest in weights.items()
            if digest is None or not is_there(self.store, weights_name(digest))
        )

    def models_left(self, records: Records) -> dict[str, str]:
        """Return the names of best models that are missing or of a trial that is not the best any more -> trial ID."""
        wanted = best_models(self.ranked(records), len(self.manifest.jobs), records)
        return {
            name: trial_id
            for name, trial_id in wanted.items()
            if self.state.models.get(name) != trial_id or not is_there(self.store, name)
        }

    def is_complete(self, records: Records) -> bool:
        """Return whether every trial has ended, and nothing is left to do but what can be derived."""
        has_all = len(records) == len(self.manifest.trials)
        return has_all and not self.models_left(records) and not self.trials_without_weights(records)

    def ranked(self, records: Records) -> tuple[Leaderboard, ...]:
        """Return the leaderboards; ranked again only if trials have ended since: no record changes or goes."""
        if self._ranked is None or self._ranked[0] != len(records):
            self._ranked = len(records), rank_jobs(self._objectives, self.manifest.trials, records)
        return self._ranked[1]

    def write_tables(self, log: RunLog, records: Records) -> None:
        """Write the tables. Raises StorageError."""
        log.check_owned()
        write_tables(self.store, self.ranked(records), self.manifest, records)

    def remove_strays(self, log: RunLog, checkpoints: CheckpointStore) -> None:
        """Remove what earlier submits left when they were killed: by the log as it was when this one began."""
        log.check_owned()
        records = self.state.records
        with reported("the run's folders cannot be made", self.store.where()):
            self.store.make_folders(WEIGHTS, TRIAL_LOGS)
        WeightsStore(self.store).keep_only({records[trial].weights for trial in self._kept(records)})
        checkpoints.keep_only({pack.id for pack in self.packs_left()})
        # Of a trial that failed and trains again, and of ends that never came to a record.
        with reported("the log of a trial cannot be removed", self.store.where(TRIAL_LOGS)):
            logs = {f"{TRIAL_LOGS}/{name}" for name in self.store.list(TRIAL_LOGS)}
            names = [trial_log_name(trial.id) for trial in self.manifest.trials if trial.id not in records]
            self.store.delete([name for name in names if name in logs], lasting=False)
        with reported("files of a killed submit cannot be removed", self.store.where()):
            self.store.remove_leftovers()

    def _kept(self, records: Records) -> frozenset[str]:
        return frozenset(kept_trials(self.ranked(records), self._keep))


def packs_left(plan: Plan, state: LogState, again: AbstractSet[str] = frozenset()) -> tuple[Pack, ...]:
    """Return the packs of a plan that are left, see `RunContents.packs_left`."""
    done = state.records.keys() - again
    return tuple(part for part in _parts(plan, state) if any(trial.id not in done for trial in part.trials))


def _parts(plan: Plan, state: LogState) -> Iterator[Pack]:
    """Yield the packs as they were split so far."""
    return (part for pack in plan.packs for part in parts_of(pack, state.tries))
