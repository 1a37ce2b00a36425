"""repair: sets aside what is damaged in a run, so that the next submit continues without it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from seqjobs.errors import RunFolderError
from seqjobs.results import log_records
from seqjobs.results.damage import Damage, Kind, find_damage
from seqjobs.results.manifest import check_no_links
from seqjobs.results.run import Run
from seqjobs.results.run_log import RunLog, encode_record, last_segment
from seqjobs.results.run_names import DAMAGED, LOG
from seqjobs.results.tables import write_tables
from seqjobs.store.durable import reported
from seqjobs.store.run_store import RunStore


def repair(store: RunStore) -> tuple[Damage, ...]:
    """Move every damaged file into the folder `damaged`, and write the tables again; return what was damaged.

    Trials whose end or whose kept weights are lost train again with the next submit, and come to the same bits; models
    are written again. May be killed and called again. Raises RunFolderError E602 if the run is held, E608 if its plan
    is damaged, since nothing can replace that, E617 if it has links; StorageError.
    """
    check_no_links(store)
    with store.hold(must_exist=True):
        # While the store is held, the log that is read is durable: what a killed repair did outlasts a power cut.
        found = find_damage(store)
        if plan := next((damage for damage in found if damage.kind is Kind.PLAN), None):
            fix = "restore it from a copy, or submit under another --run."
            raise RunFolderError("E608", plan.what, where=store.where(plan.path), fix=fix)
        if found:
            with reported("damaged files cannot be set aside", store.where()):
                _set_aside(store, found)
            run = Run.open(store)
            # Those of before would be taken for damaged.
            write_tables(store, run.leaderboards, run.manifest, run.records)
        return found


def _set_aside(store: RunStore, found: Sequence[Damage]) -> None:
    store.make_folders(DAMAGED, LOG)
    files = [damage for damage in found if damage.kind is not Kind.LOG]
    for damage in files:
        store.keep_copy(damage.path, DAMAGED)
        if damage.kind is Kind.SEGMENT:
            # Its number stays taken: by the numbers, a driver that was killed is told from its successor.
            store.put(damage.path, encode_record(log_records.segment_lost()))
    trials = sorted({trial_id for damage in found for trial_id in damage.trials})
    segments = [damage.path.rpartition("/")[2] for damage in found if damage.kind is Kind.SEGMENT]
    log = RunLog(store, next_number=last_segment(store) + 1)
    log.append(log_records.run_repaired(datetime.now(UTC).isoformat(timespec="seconds"), segments, trials))
    log.commit()
    # Removed only now: weights that are missing while trials are to train again may have been given up for better
    # ones, so a repair that was killed in between would leave a trial without them.
    store.delete(damage.path for damage in files if damage.kind is not Kind.SEGMENT)
