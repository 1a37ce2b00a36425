"""Failed trials that are trained again: the run is then as if they had not failed, byte for byte."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from seqjobs.execution.events import AttemptEnded, CheckpointTaken
from seqjobs.execution.in_process import InProcess
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Trial
from seqjobs.results.damage import find_damage
from seqjobs.results.record import TrialStatus
from seqjobs.results.run import Run, RunStatus
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import paths_of
from tests.fixtures.runs import Recorded, Watcher, do, moved_points, result, stop_after
from tests.run_job.test_faults import Killed, faulty

# Each trial fails the first time, unless the notes say that it was trained before.
FAILS_ONCE = f"compile.optimizer.Adam.learning_rate={float(Behaviour.FAIL_ONCE)}"
REPEATS = ("model.0.Dense.units={choice: [1, 2, 3, 4, 5]}", "search={sampler: grid, repeats: 3}", "keep.best=2")
SPEC = (FAILS_ONCE, *REPEATS, "limits.retries=0", "fit.pack=off")


def fail(plan: Plan, root: Path, notes: Path, failing: Sequence[Trial]) -> Run:
    """A run in which these trials fail."""
    names = {trial.id for trial in failing}
    notes.write_text("".join(f"begun {trial.id} 0 0\n" for trial in plan.trials if trial.id not in names))
    run = do(plan, root, start=StartFake(notes=notes))
    assert {name for name, record in run.records.items() if record.status is TrialStatus.FAILED} == names
    return run


def retry(plan: Plan, root: Path, watcher: Watcher | None = None, start: StartFake | None = None) -> Run:
    executor = InProcess(start=start or StartFake(mended=True))
    return run_job(plan.table, executor, LocalStore(root), watcher or Watcher(), retry_failed=True)


def unsynced(folder: Path) -> AbstractContextManager[list[str]]:
    """No cut of the power is tested here; and what was done to files is noted."""
    return faulty(folder, 0, Killed())


def undisturbed(plan: Plan, root: Path) -> dict[str, Any]:
    do(plan, root, start=StartFake(mended=True))
    return result(root)


def test_the_run_is_as_if_no_trial_had_failed_whichever_did(make_points_plan: MakePlan, tmp_path: Path) -> None:
    """Means of repeats change, so trials come among the best whose weights were removed before."""
    plan, chance, again = make_points_plan(*SPEC), random.Random(3), 0
    golden = undisturbed(plan, tmp_path / "golden")
    for number in range(12):
        root, notes = tmp_path / f"run{number}", tmp_path / f"notes{number}"
        failing = chance.sample(plan.trials, chance.randrange(1, len(plan.trials)))
        with unsynced(tmp_path):
            before = fail(plan, root, tmp_path / "before", failing)
            run = retry(plan, root, start=StartFake(notes=notes, mended=True))
        assert result(root) == golden, number
        assert find_damage(run.store) == ()
        assert set(trainings(notes)) >= {trial.id for trial in failing}
        again += len(trainings(notes)) - len(failing)
        for name, record in before.records.items():
            if record.status is TrialStatus.FINISHED:
                assert (record.seconds, record.attempt) == (run.records[name].seconds, run.records[name].attempt)
    assert again > 0, "no trial had to be trained once more for its weights"


@pytest.mark.slow
def test_wherever_a_retry_is_killed_the_next_submit_resumes_it(points: Path, tmp_path: Path) -> None:
    few = [SPEC[0], "model.0.Dense.units={choice: [1, 2, 3, 4]}", "search={sampler: grid, repeats: 2}", "keep.best=1"]
    plan, before = plan_of(moved_points(points, tmp_path), *few, *SPEC[4:]), tmp_path / "before"
    golden = undisturbed(plan, tmp_path / "golden")
    for trial in plan.trials:
        notes = tmp_path / f"notes-{trial.id}"
        with unsynced(tmp_path):
            fail(plan, before, tmp_path / "notes", [trial])
            shutil.copytree(before, tmp_path / trial.id)
        with unsynced(tmp_path) as operations:
            retry(plan, tmp_path / trial.id, start=StartFake(notes=notes, mended=True))
        if len(trainings(notes)) > 1:
            break  # another trial came among the best, whose weights had been removed
        shutil.rmtree(before)
    else:
        pytest.fail("no failure of one trial takes another one among the best")
    for number in range(1, len(operations) + 1):
        root = tmp_path / "run"
        shutil.copytree(before, root)
        with faulty(tmp_path, number, Killed()), suppress(Killed):
            retry(plan, root)
        assert find_damage(LocalStore(root)) == (), (number, operations[number - 1])
        with unsynced(tmp_path):
            if Run.open(root).num_failed:
                retry(plan, root)
            else:
                do(plan, root, start=StartFake(mended=True))
        assert result(root) == golden, (number, operations[number - 1])
        shutil.rmtree(root)


@pytest.mark.parametrize("cause", ["SPEC", "DATA", "NAN", "TIME", "OUT_OF_MEMORY", "CRASH"])
def test_trials_are_trained_again_whatever_their_cause(make_points_plan: MakePlan, tmp_path: Path, cause: str) -> None:
    rates = f"compile.optimizer.Adam.learning_rate={{choice: [0.1, {float(Behaviour[cause])}, 0.3, 0.4]}}"
    plan = make_points_plan(rates, "search.sampler=grid", "fit.pack=4", "keep.best=4")
    golden = undisturbed(plan, tmp_path / "golden")
    run = do(plan, tmp_path / "run")
    assert (run.num_finished, run.num_failed) == (3, 1)
    (failed,) = [entry.trial for entry in run.leaderboard.entries if entry.rank is None]
    log = paths_of(run).trial_log(failed).read_text()
    run = retry(plan, tmp_path / "run", start=StartFake(mended=True, prints=False))
    assert run.status is RunStatus.FINISHED
    assert (run.num_finished, run.num_failed) == (4, 0)
    # What it failed of is told no more.
    assert "as asked for" in log
    assert "as asked for" not in run.trial_log(failed)
    found = result(tmp_path / "run")
    assert {**found, "logs": golden["logs"]} == golden


def test_a_trial_that_fails_again_is_failed_again(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan, notes = make_points_plan(f"model.0.Dense.units={Behaviour.CRASH.value}"), tmp_path / "notes"
    do(plan, tmp_path / "run", start=StartFake(notes=notes))
    for times in (2, 3):
        run = retry(plan, tmp_path / "run", start=StartFake(notes=notes))
        assert (run.num_failed, run.status) == (1, RunStatus.FINISHED)
        assert len(trainings(notes)) == 3 * times


def test_a_run_without_failed_trials_is_left_as_it_is(six: Plan, tmp_path: Path) -> None:
    root, executor = tmp_path / "run", Recorded()
    do(six, root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.name != "lock"}
    run_job(six.table, executor, LocalStore(root), Watcher(), retry_failed=True)
    assert executor.calls == []
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.name != "lock"} == before


def test_a_retry_that_is_interrupted_is_resumed_by_a_plain_submit(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan, root, notes = make_points_plan(*SPEC, "limits.checkpoint=1"), tmp_path / "run", tmp_path / "notes"
    golden = undisturbed(plan, tmp_path / "golden")
    fail(plan, root, tmp_path / "before", plan.trials[:6])
    for kind in (AttemptEnded, CheckpointTaken):
        with pytest.raises(KeyboardInterrupt):
            retry(plan, root, stop_after(1, kind), StartFake(notes=notes, mended=True))
        assert Run.open(root).status is RunStatus.INTERRUPTED
    do(plan, root, start=StartFake(notes=notes, mended=True))
    assert result(root) == golden
    begun = [line.split()[1:] for line in notes.read_text().splitlines() if line.startswith("begun")]
    first, second = plan.trials[:2]
    assert [int(epoch) for trial, _, epoch in begun if trial == first.id] == [0]
    # It went on from its checkpoint.
    assert [int(epoch) for trial, _, epoch in begun if trial == second.id] == [0, 1]
