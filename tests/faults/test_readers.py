"""Readers that look at a run again and again, while its drivers are killed and go on."""

from __future__ import annotations

import signal
from pathlib import Path

from seqjobs.results.damage import find_damage
from seqjobs.results.run import Run
from seqjobs.store.local_store import LocalStore
from tests.conftest import POINTS_SPEC
from tests.faults.drivers import Driver
from tests.fixtures.plans import plan_of
from tests.fixtures.runs import do, moved_points, result

NUM_TRIALS = 30


class Reader:
    """What `seqjobs show`, `results` and `fsck` do; every look sees at least what the one before saw."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.records: dict[str, str] = {}
        self.looks = 0

    def look(self) -> None:
        if not (self._root / "run.json").exists():
            return
        run = Run.open(self._root)
        records = {trial_id: repr((record.value, dict(record.history))) for trial_id, record in run.records.items()}
        assert records.items() >= self.records.items()
        assert sum(len(board.entries) for board in run.leaderboards) == len(records)
        assert run.trial_table().num_rows == len(records)
        assert find_damage(LocalStore(self._root)) == ()
        self.records, self.looks = records, self.looks + 1


def test_readers_see_whole_records_and_keep_no_driver_waiting(points: Path, tmp_path: Path) -> None:
    text = POINTS_SPEC + f"search: {{repeats: {NUM_TRIALS}}}\nkeep: {{best: 3}}\nlimits: {{retries: 20}}\n"
    spec = moved_points(points, tmp_path, text)
    root = tmp_path / "runs" / "one"
    reader, codes = Reader(root), []
    for die_at in (60, 90, 120, 0):
        shown, notes = tmp_path / "shown", tmp_path / "notes"
        process = Driver(spec=spec, root=root, shown=shown, notes=notes, die_at=die_at, epoch_seconds=0.02).start()
        while process.is_alive():
            reader.look()
        process.join()
        codes.append(process.exitcode)
        reader.look()
    # Who is kept from its run leaves with 2.
    assert codes == [-signal.SIGKILL] * 3 + [0]
    assert len(reader.records) == NUM_TRIALS
    assert reader.looks > 10
    do(plan_of(spec), tmp_path / "golden")
    assert result(root) == result(tmp_path / "golden")
