"""find_damage: what in a run's folder is not what was written there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from seqjobs.errors import NotFoundError, RunFolderError, StorageError
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results import log_records
from seqjobs.results.best_models import best_models
from seqjobs.results.leaderboard import Leaderboard, kept_trials, rank_jobs
from seqjobs.results.log_records import LogState
from seqjobs.results.manifest import Manifest, read_manifest
from seqjobs.results.record_check import RecordCheck
from seqjobs.results.run_log import MISSING_LOG, Check, Record, last_segment, read_segment, segment_name
from seqjobs.results.table_check import StoredTables, damaged_tables
from seqjobs.results.weights import WeightsStore
from seqjobs.storage.plain_file import digest_of, is_there


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
    """One file; `trials` are those whose weights it has."""

    kind: Kind
    path: Path
    what: str
    trials: tuple[str, ...] = ()


def find_damage(paths: RunPaths) -> tuple[Damage, ...]:
    """Reads all that a run is made of: its plan, its log, the kept weights, its models and tables.

    Never writes. A file that the next submit writes anyway is damaged only where it is there and wrong. Raises
    NotFoundError where there is no run, RunFolderError E617 where it has links, StorageError where the folder cannot
    be read.
    """
    found = _found(paths)
    if not found:
        return ()
    # A submit at work removes weights that are not among the best any more, and writes tables after its records: what
    # it did meanwhile is no damage.
    again = {damage.path for damage in _found(paths)}
    return tuple(damage for damage in found if damage.path in again)


def _found(paths: RunPaths) -> tuple[Damage, ...]:
    try:
        manifest = read_manifest(paths)
    except NotFoundError:
        raise
    except (RunFolderError, StorageError) as error:
        if error.code == "E617":
            raise
        damage = Damage(kind=Kind.PLAN, path=paths.plan, what=error.what)
        return (damage, *_damaged_segments(paths, []))
    tables = StoredTables.read(paths)
    records: list[Record] = []
    check = RecordCheck(trial.id for trial in manifest.trials)
    log = (*_missing_log(paths), *_damaged_segments(paths, records, check))
    state = log_records.fold(records)
    boards = rank_jobs({job.name: job.objective for job in manifest.jobs}, manifest.trials, state.records)
    # Without all of the log nothing tells what the tables should be; a repair writes them again.
    wrong = damaged_tables(paths, tables, manifest, None if log else records)
    return (
        *log,
        *_damaged_weights(paths, manifest, state, boards),
        *_damaged_models(paths, manifest, state, boards),
        *(Damage(kind=Kind.TABLE, path=path, what=what) for path, what in wrong.items()),
    )


def _missing_log(paths: RunPaths) -> Iterator[Damage]:
    """Yield the folder of the log if it is missing, or has no segment though there are weights.

    Weights are written after the first record.
    """
    if not paths.log.exists():
        yield Damage(kind=Kind.LOG, path=paths.log, what=MISSING_LOG)
    elif not last_segment(paths.log) and any(paths.weights.glob("*.npz")):
        yield Damage(kind=Kind.LOG, path=paths.log, what="the log has no segments, but the run has weights")


def _no_check(_: object) -> None:
    """Pass any record: without the plan, only the seals of the segments can be compared."""


def _damaged_segments(paths: RunPaths, records: list[Record], check: Check = _no_check) -> Iterator[Damage]:
    """Puts the records of the others into the list."""
    for number in range(1, last_segment(paths.log) + 1):
        path = paths.log / segment_name(number)
        try:
            records += read_segment(path, check)
        except StorageError as error:
            records.append(log_records.segment_lost())
            yield Damage(kind=Kind.SEGMENT, path=path, what=error.what)


def _damaged_weights(
    paths: RunPaths, manifest: Manifest, state: LogState, boards: Sequence[Leaderboard]
) -> Iterator[Damage]:
    kept = kept_trials(boards, {job.name: job.keep_best for job in manifest.jobs})
    trials: dict[str, list[str]] = {}
    for trial_id in sorted(kept):
        digest = state.records[trial_id].weights
        if digest is not None:
            trials.setdefault(digest, []).append(trial_id)
    for digest, trial_ids in trials.items():
        try:
            WeightsStore(paths).load(digest)
        except StorageError as error:
            path = paths.weights_file(digest)
            # Removed when better trials ended, whose ends a repair gave up: they will end as well again. Or the trial
            # is among the best only since others were trained again: the submit that does so trains it once more.
            is_incomplete = state.repaired and len(state.records) < len(manifest.trials)
            if not is_there(path) and (is_incomplete or (state.has_retries and not state.is_finished)):
                continue
            yield Damage(kind=Kind.WEIGHTS, path=path, what=error.what, trials=tuple(trial_ids))


def _damaged_models(
    paths: RunPaths, manifest: Manifest, state: LogState, boards: Sequence[Leaderboard]
) -> Iterator[Damage]:
    best = best_models(boards, len(manifest.jobs), state.records, paths)
    for name, digest in state.model_digests.items():
        path = paths.root / name
        if best.get(path, state.models[name]) != state.models[name]:
            # A submit may have been killed after it wrote the better model; the next one writes it in any case.
            continue
        if not digest or not is_there(path):
            continue
        try:
            what = "" if digest_of(path) == digest else "this model is not the one that was written"
        except OSError as error:
            what = f"this model cannot be read: {error.strerror}"
        if what:
            yield Damage(kind=Kind.MODEL, path=path, what=what)
