"""Run: a folder read back, whatever state it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqjobs.errors import NotFoundError, StorageError
from seqjobs.results.run import Run, RunStatus
from seqjobs.results.run_log import segment_name
from seqjobs.store.lock import Lock
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour
from tests.fixtures.run_paths import paths_of
from tests.fixtures.runs import do


@pytest.fixture
def run(make_points_plan: MakePlan, tmp_path: Path) -> Run:
    """Two trials that finished, one that failed."""
    units = f"model.0.Dense.units={{choice: [1, {Behaviour.NAN.value}, 2]}}"
    plan = make_points_plan(units, "search.sampler=grid")
    return do(plan, tmp_path / "one")


def test_a_run_tells_what_it_is(run: Run) -> None:
    assert (run.id, run.num_total, run.num_finished, run.num_failed) == ("one", 3, 2, 1)
    assert repr(run) == "Run('one', finished, 2 of 3 trials finished)"
    assert [job.name for job in run.jobs] == ["points"]
    assert run.versions["seqjobs"]
    assert run.versions["pillow"][0].isdigit()  # it decodes pictures into features
    assert run.seconds > 0
    assert run.models == {paths_of(run).best: run.leaderboard.entries[0].trial}
    assert run.best == run.best_of("points") == run.leaderboard.entries[0]
    assert run.best_of("other") is None
    assert run.trial_table().num_rows == 3
    assert run.histories().num_rows == 9


def test_the_tables_are_those_in_the_folder(run: Run) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    assert run.trial_table().equals(pq.read_table(paths_of(run).trials))
    assert run.histories().to_pydict().keys() == pq.read_table(paths_of(run).histories).to_pydict().keys()


def test_a_run_is_running_while_its_lock_is_held(run: Run) -> None:
    lock = Lock(paths_of(run).lock)
    lock.take()
    assert Run.open(run.path).status is RunStatus.RUNNING
    lock.give_back()
    assert Run.open(run.path).status is RunStatus.FINISHED


def test_a_run_whose_trials_are_not_all_in_the_log_is_interrupted(run: Run) -> None:
    for path in sorted(paths_of(run).log.iterdir())[2:]:
        path.unlink()
    found = Run.open(run.path)
    assert found.status is RunStatus.INTERRUPTED
    assert len(found.records) < 3
    for path in paths_of(run).log.iterdir():
        path.unlink()
    empty = Run.open(run.path)
    assert (empty.records, empty.best, empty.seconds) == ({}, None, 0.0)
    assert empty.trial_table().num_rows == 0
    assert empty.histories().column_names == ["trial", "epoch"]


def test_a_trials_log_is_read_and_what_is_not_there_is_named(run: Run) -> None:
    trial = run.trials[0].id
    first, *epochs, printed = run.trial_log(trial).splitlines()
    assert first.startswith(f"trial {trial} of job ")
    assert len(epochs) == len(run.records[trial].history["loss"])
    assert printed == f"trial {trial} was faked"
    paths_of(run).trial_log(trial).unlink()
    assert run.trial_log(trial).splitlines() == [first, *epochs]
    for path in paths_of(run).log.iterdir():
        path.unlink()
    with pytest.raises(NotFoundError, match="E613"):
        Run.open(paths_of(run).root).trial_log(trial)
    with pytest.raises(NotFoundError, match=r"no trial 'other'.*\[E612\]"):
        run.trial_log("other")


def test_a_folder_that_is_no_run_or_is_damaged_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="E611"):
        Run.open(tmp_path)
    (paths_of(run).log / segment_name(1)).write_bytes(b"{}\n")
    with pytest.raises(StorageError, match=r"00000001\.jsonl.*\[E609\]"):
        Run.open(run.path)


def test_opening_a_run_changes_nothing(run: Run) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    Run.open(run.path).trial_table()
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
