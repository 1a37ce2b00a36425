"""Suspicious data is reported once, before anything trains, and never stops a run."""

from __future__ import annotations

from pathlib import Path

from seqjobs.results.run import RunStatus
from tests.conftest import MakePlan
from tests.fixtures.runs import Watcher, do


def test_a_column_that_tells_the_target_is_named_and_the_run_goes_on(
    make_points_plan: MakePlan, tmp_path: Path
) -> None:
    plan = make_points_plan("data.features=[x0, score]", "search.repeats=2")
    watcher = Watcher()
    run = do(plan, tmp_path / "run", watcher=watcher)
    (told,) = [call for call in watcher.calls if call.startswith("warning")]
    assert told.startswith("warning: column 'score' separates the classes of the target without an exception")
    assert watcher.calls.index("reading data") < watcher.calls.index(told) < watcher.calls.index("planned")
    assert run.status is RunStatus.FINISHED


def test_of_clean_data_nothing_is_said(make_points_plan: MakePlan, tmp_path: Path) -> None:
    watcher = Watcher()
    do(make_points_plan(), tmp_path / "run", watcher=watcher)
    assert [call for call in watcher.calls if call.startswith("warning")] == []
