"""find_damage: what in a run's folder is not what was written there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seqjobs.errors import NotFoundError, RunFolderError, StorageError
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results import log_records
from seqjobs.results.best_models import best_models
from seqjobs.results.leaderboard import Leaderboard, kept_trials, rank_jobs
from seqjobs.results.log_records import LogState
from seqjobs.results.manifest import Manifest, read_manifest
from seqjobs.results.run_log import Record, last_segment, read_segment, segment_name
from seqjobs.results.weights import WeightsStore


class Kind(StrEnum):
    """What a damaged file is, which decides how it can be mended."""

    PLAN = "plan"
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
    NotFoundError where there is no run, StorageError where the folder cannot be read.
    """
    found = _found(paths)
    if not found:
        return ()
    # A submit at work removes weights that are not among the best any more: what it did meanwhile is no damage.
    again = {damage.path for damage in _found(paths)}
    return tuple(damage for damage in found if damage.path in again)


def _found(paths: RunPaths) -> tuple[Damage, ...]:
    try:
        manifest = read_manifest(paths)
    except NotFoundError:
        raise
    except (RunFolderError, StorageError) as error:
        damage = Damage(kind=Kind.PLAN, path=paths.plan, what=error.what)
        return (damage, *_damaged_segments(paths, []))
    records: list[Record] = []
    segments = tuple(_damaged_segments(paths, records))
    state = log_records.fold(records)
    boards = rank_jobs({job.name: job.objective for job in manifest.jobs}, manifest.trials, state.records)
    weights = _damaged_weights(paths, manifest, state, boards)
    return (*segments, *weights, *_damaged_models(paths, manifest, state, boards), *_tables(paths))


def _damaged_segments(paths: RunPaths, records: list[Record]) -> Iterator[Damage]:
    """Puts the records of the others into the list."""
    for number in range(1, last_segment(paths.log) + 1):
        path = paths.log / segment_name(number)
        try:
            records += read_segment(path)
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
            if not path.exists() and (is_incomplete or (state.has_retries and not state.is_finished)):
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
        if digest and path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield Damage(kind=Kind.MODEL, path=path, what="this model is not the one that was written")


def _tables(paths: RunPaths) -> Iterator[Damage]:
    for path in (paths.trials, paths.histories):
        if path.exists():
            try:
                pq.read_table(path)
            except (pa.ArrowException, OSError) as error:
                what = f"this table cannot be read: {str(error).splitlines()[0]}"
                yield Damage(kind=Kind.TABLE, path=path, what=what)
