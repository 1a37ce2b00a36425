"""repair: sets aside what is damaged in a run's folder, so that the next submit goes on without it."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from seqjobs.errors import RunFolderError
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results import log_records
from seqjobs.results.damage import Damage, Kind, find_damage
from seqjobs.results.run import Run
from seqjobs.results.run_links import check_no_links
from seqjobs.results.run_log import RunLog, encode_record, last_segment
from seqjobs.results.tables import write_tables
from seqjobs.storage import durable
from seqjobs.storage.lock import Lock


def repair(paths: RunPaths) -> tuple[Damage, ...]:
    """Moves every damaged file into the folder `damaged`, and writes the tables again; returns what it found.

    Trials whose end or whose kept weights are lost train again with the next submit, and come to the same bits; models
    are written anew. May be killed and called again. Raises RunFolderError E602 where the run is held, E608 where its
    plan is damaged: nothing can stand in for that; E617 where it has links; StorageError.
    """
    check_no_links(paths)
    lock = Lock(paths.lock)
    lock.take()
    try:
        if paths.log.is_dir():
            # What a killed repair did is found to be in order: so it must outlast a cut of the power.
            with durable.reported("the log cannot be made durable", paths.log):
                durable.sync_folder(paths.log)
        found = find_damage(paths)
        if plan := next((damage for damage in found if damage.kind is Kind.PLAN), None):
            fix = "restore it from a copy, or submit under another --run."
            raise RunFolderError("E608", plan.what, where=str(plan.path), fix=fix)
        if found:
            with durable.reported("damaged files cannot be set aside", paths.root):
                _set_aside(paths, found)
            _write_tables(paths)
        return found
    finally:
        lock.give_back()


def _set_aside(paths: RunPaths, found: Sequence[Damage]) -> None:
    durable.make_folder(paths.damaged)
    durable.make_folder(paths.log)
    for damage in found:
        if damage.kind is Kind.LOG:
            continue
        _keep_copy(damage.path, paths.damaged)
        if damage.kind is Kind.SEGMENT:
            # Its number stays taken: the numbers are what tells a killed submit's successor from others.
            durable.replace(damage.path, encode_record(log_records.segment_lost()))
    trials = sorted({trial_id for damage in found for trial_id in damage.trials})
    segments = [damage.path.name for damage in found if damage.kind is Kind.SEGMENT]
    log = RunLog(paths.log, next_number=last_segment(paths.log) + 1)
    log.append(log_records.run_repaired(datetime.now(UTC).isoformat(timespec="seconds"), segments, trials))
    log.commit()
    # Removed only now: weights that are missing while trials are to train again may have been given up for better
    # ones, so a repair that was killed in between would leave a trial without them.
    for damage in found:
        if damage.kind not in (Kind.SEGMENT, Kind.LOG):
            durable.remove(damage.path)


def _keep_copy(path: Path, folder: Path) -> None:
    """Gives the file a second name in the folder, one that is free there; what is no file is moved there."""
    try:
        is_folder = stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return
    for number in range(1_000):
        copy = folder / (path.name if not number else f"{path.stem}-{number}{path.suffix}")
        with contextlib.suppress(FileExistsError):
            if not is_folder:
                os.link(path, copy, follow_symlinks=False)
            elif os.path.lexists(copy):
                continue
            else:
                path.rename(copy)
            break
    durable.sync_folder(folder)


def _write_tables(paths: RunPaths) -> None:
    """Write the tables from what is left of the log: those of before would be taken for damaged."""
    run = Run.open(paths.root)
    write_tables(paths, run.leaderboards, run.manifest, run.records)
