"""find_damage: what in a run's folder is not what was written there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seqjobs.errors import NotFoundError, RunFolderError, StorageError
from seqjobs.results import log_records
from seqjobs.results.best_models import best_models
from seqjobs.results.leaderboard import Leaderboard, kept_trials, rank_jobs
from seqjobs.results.log_records import LogState
from seqjobs.results.manifest import Manifest, read_manifest
from seqjobs.results.record_check import RecordCheck
from seqjobs.results.run_log import MISSING_LOG, Check, Record, has_log, last_segment, log_name, read_segment
from seqjobs.results.run_names import LOG, PLAN, WEIGHTS, weights_name
from seqjobs.results.table_check import StoredTables, damaged_tables
from seqjobs.results.weights import WeightsStore
from seqjobs.store.run_store import RunStore, digest_of, is_there


class Kind(StrEnum):
    """What a damaged file is, which decides how it can be mended."""

    PLAN = "plan"
    LOG = "log"
    SEGMENT = "segment of the log"
    WEIGHTS = "weights"
    MODEL = "model"
    TABLE = "table"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One file, by its path in the run's folder; `trials` are those whose weights it has."""

    kind: Kind
    path: str
    what: str
    trials: tuple[str, ...] = ()


def find_damage(store: RunStore) -> tuple[Damage, ...]:
    """Reads all that a run is made of: its plan, its log, the kept weights, its models and tables.

    Never writes. A file that the next submit writes anyway is damaged only where it is there and wrong. Raises
    NotFoundError where there is no run, RunFolderError E617 where it has links, StorageError where the folder cannot
    be read.
    """
    found = _found(store)
    if not found:
        return ()
    # A submit at work removes weights that are not among the best any more, and writes tables after its records: what
    # it did meanwhile is no damage.
    again = {damage.path for damage in _found(store)}
    return tuple(damage for damage in found if damage.path in again)


def _found(store: RunStore) -> tuple[Damage, ...]:
    try:
        manifest = read_manifest(store)
    except NotFoundError:
        raise
    except (RunFolderError, StorageError) as error:
        if error.code == "E617":
            raise
        damage = Damage(kind=Kind.PLAN, path=PLAN, what=error.what)
        return (damage, *_damaged_segments(store, []))
    tables = StoredTables.read(store)
    records: list[Record] = []
    check = RecordCheck(trial.id for trial in manifest.trials)
    log = (*_missing_log(store), *_damaged_segments(store, records, check))
    state = log_records.fold(records)
    boards = rank_jobs({job.name: job.objective for job in manifest.jobs}, manifest.trials, state.records)
    # Without all of the log nothing tells what the tables should be; a repair writes them again.
    wrong = damaged_tables(tables, manifest, None if log else records)
    return (
        *log,
        *_damaged_weights(store, manifest, state, boards),
        *_damaged_models(store, manifest, state, boards),
        *(Damage(kind=Kind.TABLE, path=path, what=what) for path, what in wrong.items()),
    )


def _missing_log(store: RunStore) -> Iterator[Damage]:
    """Yield the folder of the log if it is missing, or has no segment though there are weights.

    Weights are written after the first record.
    """
    if not has_log(store):
        yield Damage(kind=Kind.LOG, path=LOG, what=MISSING_LOG)
    elif not last_segment(store) and _has_weights(store):
        yield Damage(kind=Kind.LOG, path=LOG, what="the log has no segments, but the run has weights")


def _has_weights(store: RunStore) -> bool:
    with contextlib.suppress(OSError):
        return any(name.endswith(".npz") for name in store.list(WEIGHTS))
    return False


def _no_check(_: object) -> None:
    """Pass any record: without the plan, only the seals of the segments can be compared."""


def _damaged_segments(store: RunStore, records: list[Record], check: Check = _no_check) -> Iterator[Damage]:
    """Puts the records of the others into the list."""
    for number in range(1, last_segment(store) + 1):
        try:
            records += read_segment(store, number, check)
        except StorageError as error:
            records.append(log_records.segment_lost())
            yield Damage(kind=Kind.SEGMENT, path=log_name(number), what=error.what)


def _damaged_weights(
    store: RunStore, manifest: Manifest, state: LogState, boards: Sequence[Leaderboard]
) -> Iterator[Damage]:
    kept = kept_trials(boards, {job.name: job.keep_best for job in manifest.jobs})
    trials: dict[str, list[str]] = {}
    for trial_id in sorted(kept):
        digest = state.records[trial_id].weights
        if digest is not None:
            trials.setdefault(digest, []).append(trial_id)
    for digest, trial_ids in trials.items():
        try:
            WeightsStore(store).load(digest)
        except StorageError as error:
            name = weights_name(digest)
            # Removed when better trials ended, whose ends a repair gave up: they will end as well again. Or the trial
            # is among the best only since others were trained again: the submit that does so trains it once more.
            is_incomplete = state.repaired and len(state.records) < len(manifest.trials)
            if not is_there(store, name) and (is_incomplete or (state.has_retries and not state.is_finished)):
                continue
            yield Damage(kind=Kind.WEIGHTS, path=name, what=error.what, trials=tuple(trial_ids))


def _damaged_models(
    store: RunStore, manifest: Manifest, state: LogState, boards: Sequence[Leaderboard]
) -> Iterator[Damage]:
    best = best_models(boards, len(manifest.jobs), state.records)
    for name, digest in state.model_digests.items():
        if best.get(name, state.models[name]) != state.models[name]:
            # A submit may have been killed after it wrote the better model; the next one writes it in any case.
            continue
        if not is_there(store, name):
            continue
        try:
            what = "" if digest_of(store, name) == digest else "this model is not the one that was written"
        except OSError as error:
            what = f"this model cannot be read: {error.strerror}"
        if what:
            yield Damage(kind=Kind.MODEL, path=name, what=what)
