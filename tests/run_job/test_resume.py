"""Submitting again: what was committed is not done again, and the end is the same, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqjobs.errors import ClusterError
from seqjobs.execution.events import AttemptEnded, AttemptStarted, CheckpointTaken, EpochEnded, Event
from seqjobs.execution.retry import MOST_DEATHS_ALONE
from seqjobs.execution.stopping import StopRequest
from seqjobs.planning.plan import Plan
from seqjobs.results.progress import Standing
from seqjobs.results.run import RunStatus
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from seqjobs.store.lock import is_held
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import StartFake, trainings
from tests.fixtures.run_paths import RunPaths, paths_of
from tests.fixtures.runs import SIX, Recorded, Watcher, committed, do, result, stop_after


def test_a_finished_run_is_left_as_it_is_and_reads_no_data(six: Plan, tmp_path: Path, golden: dict[str, Any]) -> None:
    root = tmp_path / "run"
    do(six, root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.name != "lock"}
    executor, watcher = Recorded(), Watcher()
    run = run_job(six.table, executor, LocalStore(root), watcher)
    assert executor.calls == []
    assert watcher.calls == ["close"]
    assert run.status is RunStatus.FINISHED
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.name != "lock"} == before
    assert result(root) == golden


def test_what_can_be_derived_is_made_again(six: Plan, tmp_path: Path, golden: dict[str, Any]) -> None:
    root = tmp_path / "run"
    run = do(six, root)
    for path in (paths_of(run).leaderboard, paths_of(run).trials, paths_of(run).histories):
        path.unlink()
    paths_of(run).histories.write_bytes(b"half")
    executor = Recorded()
    run_job(six.table, executor, run.store, Watcher())
    assert executor.calls == []
    assert result(root) == golden
    paths_of(run).best.unlink()
    run_job(six.table, executor, run.store, Watcher())
    assert [call.split()[0] for call in executor.calls] == ["enter", "load", "check", "run", "export", "exit"]
    assert result(root) == golden


@pytest.mark.parametrize("kind", [AttemptStarted, EpochEnded, AttemptEnded])
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(15), ClusterError("E509", "lost"), ValueError("bug")]
)
def test_an_interrupted_run_has_all_that_was_handled_and_goes_on(
    six: Plan, tmp_path: Path, golden: dict[str, Any], kind: type, error: BaseException
) -> None:
    root, notes = tmp_path / "run", tmp_path / "notes"
    watcher = stop_after(3, kind, error)
    with pytest.raises(type(error)):
        do(six, root, start=StartFake(notes=notes), watcher=watcher)
    assert watcher.calls[-1] == "close"
    assert watcher.calls.count("close") == 1
    assert not is_held(root / "lock")
    done = committed(root)
    assert done == set(trainings(notes, "ended"))
    assert len(RunPaths(root=root).leaderboard.read_text().splitlines()) == len(done) + 1
    watcher = Watcher()
    run = do(six, root, start=StartFake(notes=notes), watcher=watcher)
    assert watcher.resumed == len(done)
    assert sorted(trainings(notes, "ended")) == sorted(trial.id for trial in six.trials)
    assert run.status is RunStatus.FINISHED
    assert result(root) == golden


def test_a_trial_goes_on_from_its_checkpoint_and_leaves_none(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan(*SIX, "fit.epochs=5", "limits.checkpoint=1")
    do(plan, tmp_path / "golden")
    root, notes = tmp_path / "run", tmp_path / "notes"
    for count in (3, 1, 1):
        with pytest.raises(KeyboardInterrupt):
            do(plan, root, start=StartFake(notes=notes), watcher=stop_after(count, CheckpointTaken))
    do(plan, root, start=StartFake(notes=notes))
    begun = [line.split() for line in notes.read_text().splitlines() if line.startswith("begun")]
    first = plan.trials[0].id
    # Its third checkpoint was taken, then the fourth; the one behind the last epoch left nothing to train.
    assert [int(epoch) for _, trial, _, epoch in begun if trial == first] == [0, 3, 4, 5]
    assert [trial for _, trial, *_ in begun].count(first) == len(begun) - 5
    assert result(root) == result(tmp_path / "golden")
    assert list(RunPaths(root=root).checkpoints.iterdir()) == []


def ask_after(count: int, stop: StopRequest) -> Watcher:
    """Asks for an end as a signal does, when that many epochs have been told of."""
    epochs = 0

    def look(event: Event, _standing: Standing) -> None:
        nonlocal epochs
        if isinstance(event, EpochEnded):
            epochs += len(event.reports)
            if epochs == count:
                assert stop.request()

    return Watcher(look)


def test_a_trial_that_is_asked_to_end_goes_on_where_it_was(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan(*SIX, "fit.epochs=5")
    do(plan, tmp_path / "golden")
    root, notes = tmp_path / "run", tmp_path / "notes"
    for count in (7, 1, 1, 1, 3):
        stop = StopRequest()
        with pytest.raises(KeyboardInterrupt):
            do(plan, root, start=StartFake(notes=notes), watcher=ask_after(count, stop), stop=stop)
    do(plan, root, start=StartFake(notes=notes))
    begun = [line.split() for line in notes.read_text().splitlines() if line.startswith("begun")]
    # The second was at its last epoch the last time, and ended; the third was asked once.
    second, third = plan.trials[1].id, plan.trials[2].id
    assert [int(epoch) for _, trial, _, epoch in begun if trial == second] == [0, 2, 3, 4]
    assert [int(epoch) for _, trial, _, epoch in begun if trial == third] == [0, 3]
    assert result(root) == result(tmp_path / "golden")
    assert list(RunPaths(root=root).checkpoints.iterdir()) == []


def test_a_damaged_checkpoint_costs_what_it_saved(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan(*SIX, "fit.epochs=5", "limits.checkpoint=1")
    root, notes = tmp_path / "run", tmp_path / "notes"
    with pytest.raises(KeyboardInterrupt):
        do(plan, root, watcher=stop_after(3, CheckpointTaken))
    (path,) = RunPaths(root=root).checkpoints.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    do(plan, root, start=StartFake(notes=notes))
    assert {line.split()[3] for line in notes.read_text().splitlines() if line.startswith("begun")} == {"0"}


def test_the_end_of_the_run_time_saves_what_trains(make_points_plan: MakePlan, tmp_path: Path) -> None:
    """Submits of 8 events, some of which are epochs of the one trial."""
    plan = make_points_plan("fit.epochs=20", "limits.run_time=8")
    do(plan, tmp_path / "golden")
    root, notes, statuses = tmp_path / "run", tmp_path / "notes", list[RunStatus]()
    while RunStatus.FINISHED not in statuses:
        ticking = Ticking()
        run = do(plan, root, start=StartFake(notes=notes), watcher=ticking, stop=ticking.stop)
        statuses.append(run.status)
    begun = [int(line.split()[3]) for line in notes.read_text().splitlines() if line.startswith("begun")]
    assert len(begun) == len(statuses) > 3
    assert begun == sorted(set(begun))
    assert result(root) == result(tmp_path / "golden")


def test_an_executor_that_loses_its_cluster_leaves_a_run_that_goes_on(
    six: Plan, tmp_path: Path, golden: dict[str, Any]
) -> None:
    paths = RunPaths(root=tmp_path / "run")
    executor = Recorded(fail=(AttemptEnded, ClusterError("E509", "the head is gone")))
    with pytest.raises(ClusterError, match="the head is gone"):
        run_job(six.table, executor, paths.store, Watcher())
    assert executor.calls[-1] == "exit"
    do(six, paths.root)
    assert result(paths.root) == golden


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ClusterError("E509", "lost")])
def test_a_trial_is_not_charged_for_being_interrupted(six: Plan, tmp_path: Path, error: BaseException) -> None:
    paths = RunPaths(root=tmp_path / "run")
    for _ in range(4):  # more often than `limits.retries`
        with pytest.raises(type(error)):
            do(six, paths.root, watcher=stop_after(1, EpochEnded, error))
    executor = Recorded()
    run = run_job(six.table, executor, paths.store, Watcher())
    assert executor.tries == {}
    assert run.num_finished == 6


def test_a_trial_is_charged_for_an_error_nobody_foresaw(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan, root = make_points_plan("limits.retries=1"), tmp_path / "run"
    for _ in range(1 + MOST_DEATHS_ALONE):
        with pytest.raises(ValueError, match="bug"):
            do(plan, root, watcher=stop_after(1, EpochEnded, ValueError("bug")))
    run = do(plan, root)
    assert "[E527]" in run.leaderboard.entries[0].failure


class Ticking(Watcher):
    """A second goes by with each event: of a run of 8 s, the time of one trial."""

    def __init__(self) -> None:
        super().__init__(lambda _event, _standing: self._tick())
        self.seconds = 0
        self.stop = StopRequest(lambda: self.seconds)

    def _tick(self) -> None:
        self.seconds += 1


def test_the_best_model_is_written_once_and_again_only_for_a_better_one(
    make_points_plan: MakePlan, tmp_path: Path
) -> None:
    units = "model.0.Dense.units={choice: [1, 2, 3, 4, 5]}"
    plan = make_points_plan(units, "search.sampler=grid", "limits.run_time=8")
    root, best = tmp_path / "run", list[str]()
    for done in range(1, 6):
        executor, ticking = Recorded(), Ticking()
        run = run_job(plan.table, executor, LocalStore(root), ticking, ticking.stop)
        assert len(run.records) == done
        assert run.best is not None
        assert run.best.trial.encode() in paths_of(run).best.read_bytes()
        exported = [call.split()[1] for call in executor.calls if call.startswith("export")]
        assert exported == ([] if best[-1:] == [run.best.trial] else [run.best.trial])
        best.append(run.best.trial)
    assert 1 < len(set(best)) < 5  # or this would have shown only one of the two


def test_the_end_of_the_run_time_leaves_the_rest_to_the_next_submit(
    make_points_plan: MakePlan, tmp_path: Path, golden: dict[str, Any]
) -> None:
    plan = make_points_plan(*SIX, "limits.run_time=8")
    root, notes = tmp_path / "run", tmp_path / "notes"
    for done in range(1, 6):
        ticking = Ticking()
        run = do(plan, root, start=StartFake(notes=notes), watcher=ticking, stop=ticking.stop)
        assert (len(run.records), run.status) == (done, RunStatus.INTERRUPTED)
    assert do(plan, root, start=StartFake(notes=notes)).status is RunStatus.FINISHED
    assert sorted(trainings(notes, "ended")) == sorted(trial.id for trial in plan.trials)
    assert result(root) == golden
