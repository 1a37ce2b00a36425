"""A driver that lost its run to another one: once its segment number is taken, it writes and removes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqjobs.errors import StorageError
from seqjobs.execution.events import Event
from seqjobs.planning.plan import Plan
from seqjobs.results import log_records
from seqjobs.results.progress import Standing
from seqjobs.results.run_log import encode_record, last_segment, segment_name
from tests.conftest import MakePlan
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import Watcher, do

OTHER = log_records.submit_started("2026-01-01T00:00:00+00:00", {}, writer="another")


class TakenOver(Watcher):
    """Lets another driver take the run, at the event with a number, or as the best model is about to be written."""

    def __init__(self, root: Path, at: int | str) -> None:
        super().__init__(self._look)
        self._paths = RunPaths(root=root)
        self._at = at
        self.events = 0
        self.left: dict[str, bytes] = {}

    def stage(self, text: str) -> None:
        if text == self._at:
            self._take()

    def _look(self, _event: Event, _standing: Standing) -> None:
        self.events += 1
        if self.events == self._at:
            self._take()

    def _take(self) -> None:
        path = self._paths.log / segment_name(last_segment(self._paths.store) + 1)
        path.write_bytes(encode_record(OTHER))
        self.left = self.files()

    def files(self) -> dict[str, bytes]:
        """All but the lock, which has the name of its holder."""
        root = self._paths.root
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path != self._paths.lock
        }


@pytest.fixture
def plan(make_points_plan: MakePlan) -> Plan:
    """Trials that are saved after each epoch and some of which replace each other among the best."""
    choices = "model.0.Dense.units={choice: [1, 2, 3]}"
    return make_points_plan(choices, "search.sampler=grid", "keep.best=1", "limits.checkpoint=1s")


def test_nothing_is_written_from_that_moment_on(plan: Plan, tmp_path: Path) -> None:
    watcher = TakenOver(tmp_path / "whole", "never")
    do(plan, tmp_path / "whole", watcher=watcher)
    assert watcher.events > 12
    for at in ("writing the best model", *range(1, watcher.events + 1)):
        taken = TakenOver(tmp_path / f"run-{at}", at)
        with pytest.raises(StorageError, match=r"another process has continued this run.*\[E605\]"):
            do(plan, tmp_path / f"run-{at}", watcher=taken)
        assert taken.files() == taken.left, at
