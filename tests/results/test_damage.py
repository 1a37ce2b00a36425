"""What is damaged is named, set aside and made again; nothing damaged is ever believed."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from seqjobs.errors import NotFoundError, RunFolderError, SeqjobsError, StorageError
from seqjobs.export import export_model
from seqjobs.planning.plan import Plan
from seqjobs.results.damage import Kind, find_damage
from seqjobs.results.repair import repair
from seqjobs.results.run import Run
from seqjobs.results.run_log import segment_name
from seqjobs.store.local_store import LocalStore
from seqjobs.store.lock import Lock
from tests.conftest import MakePlan
from tests.faults.operations import interposed
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import do, result, stop_after

CHOICES = f"{{choice: [1, 2, 3, {Behaviour.NAN.value}]}}"


class Damaged:
    """A finished run of four trials, one of which failed, and what to do with it."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.paths = RunPaths(root=folder / "one")
        self.notes = folder / "notes"
        self.submit()
        self.golden = result(self.paths.root)

    def submit(self) -> Run:
        return do(self.plan, self.paths.root, start=StartFake(notes=self.notes))

    def trained_again(self) -> list[str]:
        """The trials that the next submit trains."""
        before = len(trainings(self.notes))
        self.submit()
        return trainings(self.notes)[before:]


@pytest.fixture
def damaged(make_points_plan: MakePlan, tmp_path: Path) -> Damaged:
    overrides = (f"model.0.Dense.units={CHOICES}", "search.sampler=grid", "keep.best=2")
    return Damaged(make_points_plan(*overrides), tmp_path)


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1
    path.write_bytes(content)


class Killed(BaseException):
    """Stands for SIGKILL."""


def die_at(number: int, operation: int) -> None:
    if operation >= number:
        raise Killed


def files_of(paths: RunPaths) -> dict[Kind, list[Path]]:
    return {
        Kind.PLAN: [paths.plan],
        Kind.SEGMENT: sorted(paths.log.iterdir()),
        Kind.WEIGHTS: sorted(paths.weights.iterdir()),
        Kind.MODEL: [paths.best],
        Kind.TABLE: [paths.trials, paths.histories],
    }


def test_a_run_that_ended_well_has_no_damage(damaged: Damaged) -> None:
    assert find_damage(damaged.paths.store) == ()
    assert repair(damaged.paths.store) == ()
    assert result(damaged.paths.root) == damaged.golden


@pytest.mark.parametrize("kind", [Kind.PLAN, Kind.SEGMENT, Kind.WEIGHTS, Kind.MODEL])
def test_one_bit_anywhere_is_noticed(damaged: Damaged, kind: Kind) -> None:
    for path in files_of(damaged.paths)[kind]:
        content = path.read_bytes()
        for position in range(0, len(content), max(1, len(content) // 40)):
            flip(path, position)
            found = find_damage(damaged.paths.store)
            # A blank between two numbers of the plan may be another one: the plan is the same.
            assert [(one.kind, damaged.paths.root / one.path) for one in found] == [(kind, path)] or (
                kind is Kind.PLAN and Run.open(damaged.paths.root).trials
            ), (path, position)
            path.write_bytes(content)


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "removed"])
def test_each_segment_can_be_given_up_and_its_trials_train_again(damaged: Damaged, damage: str) -> None:
    last = len(files_of(damaged.paths)[Kind.SEGMENT])
    for number in range(1, last):
        path = damaged.paths.log / segment_name(number)
        spoil(path, damage)
        with pytest.raises(SeqjobsError, match=r"fsck --repair.*\[E609\]"):
            damaged.submit()
        (found,) = repair(damaged.paths.store)
        assert (found.kind, damaged.paths.root / found.path) == (Kind.SEGMENT, path)
        assert find_damage(damaged.paths.store) == ()
        done = set(Run.open(damaged.paths.root).records)
        assert not done & set(damaged.trained_again())
        assert result(damaged.paths.root) == damaged.golden
        assert find_damage(damaged.paths.store) == ()
    kept = len(list(damaged.paths.damaged.iterdir()))
    assert kept == (0 if damage == "removed" else last - 1)


def spoil(path: Path, damage: str) -> None:
    match damage:
        case "flipped":
            flip(path, 11)
        case "cut":
            path.write_bytes(path.read_bytes()[:-7])
        case "emptied":
            path.write_bytes(b"")
        case _:
            path.unlink()


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "removed"])
def test_lost_weights_cost_their_own_trial_alone(damaged: Damaged, damage: str) -> None:
    path = files_of(damaged.paths)[Kind.WEIGHTS][0]
    spoil(path, damage)
    (found,) = repair(damaged.paths.store)
    assert found.kind is Kind.WEIGHTS
    assert damaged.trained_again() == list(found.trials)
    assert result(damaged.paths.root) == damaged.golden
    assert find_damage(damaged.paths.store) == ()


def test_a_lost_trial_of_a_pack_is_not_counted_twice(make_points_plan: MakePlan, tmp_path: Path) -> None:
    overrides = ("compile.optimizer.Adam.learning_rate={choice: [0.001, 0.002, 0.003, 0.004]}", "search.sampler=grid")
    damaged = Damaged(make_points_plan(*overrides, "fit.pack=4", "keep.best=2"), tmp_path)
    files_of(damaged.paths)[Kind.WEIGHTS][0].unlink()
    assert [damage.kind for damage in repair(damaged.paths.store)] == [Kind.WEIGHTS]
    assert len(damaged.trained_again()) == 4
    assert result(damaged.paths.root) == damaged.golden
    assert Run.open(damaged.paths.root).num_finished == 4
    assert find_damage(damaged.paths.store) == ()


def test_weights_that_gave_way_to_a_trial_that_is_lost_since_are_not_missed(
    make_points_plan: MakePlan, tmp_path: Path
) -> None:
    choices = "model.0.Dense.units={choice: [1, 2, 3, 4, 5, 6]}"
    damaged = Damaged(make_points_plan(choices, "search.sampler=grid", "keep.best=1"), tmp_path)
    run = Run.open(damaged.paths.root)
    best, second = (run.records[entry.trial] for entry in run.leaderboard.entries[:2])
    assert second.weights is not None
    assert not damaged.paths.weights_file(second.weights).exists()
    segments = files_of(damaged.paths)[Kind.SEGMENT]
    spoil(next(path for path in segments if best.weights in path.read_text()), "flipped")  # type: ignore[operator]
    repair(damaged.paths.store)
    # The second one is the best now, until the best has ended again.
    assert find_damage(damaged.paths.store) == ()
    assert damaged.trained_again() == [best.trial_id]
    assert find_damage(damaged.paths.store) == ()
    assert result(damaged.paths.root) == damaged.golden


def test_a_repair_that_is_killed_anywhere_loses_no_weights_for_good(damaged: Damaged, tmp_path: Path) -> None:
    """Also where another trial is to train again: weights might be missing for its sake."""
    first, *_ = sorted(damaged.paths.log.glob("*.jsonl"))
    ended = next(path for path in sorted(damaged.paths.log.glob("*.jsonl")) if b'"trial-failed"' in path.read_bytes())
    assert ended != first
    flip(ended, 0)
    repair(damaged.paths.store)
    kept = min(damaged.paths.weights.iterdir())
    flip(kept, -1)
    shutil.copytree(damaged.paths.root, tmp_path / "spoilt")
    for number in range(1, 100):
        shutil.rmtree(damaged.paths.root)
        shutil.copytree(tmp_path / "spoilt", damaged.paths.root)
        with interposed(partial(die_at, number)):
            try:
                repair(damaged.paths.store)
                break
            except Killed:
                pass
        repair(damaged.paths.store)
        damaged.submit()
        assert result(damaged.paths.root) == damaged.golden, number
    assert number > 10


def test_models_and_tables_are_made_again(damaged: Damaged) -> None:
    kinds = files_of(damaged.paths)
    for path in (*kinds[Kind.MODEL], *kinds[Kind.TABLE]):
        spoil(path, "cut")
    found = {damaged.paths.root / damage.path for damage in repair(damaged.paths.store)}
    assert found == {*kinds[Kind.MODEL], *kinds[Kind.TABLE]}
    assert damaged.trained_again() == []
    shutil.rmtree(damaged.paths.damaged)
    assert result(damaged.paths.root) == damaged.golden


def test_a_table_that_says_something_else_than_the_log_is_written_again(damaged: Damaged) -> None:
    """A table that another program could read as well: of another run, of fewer trials, with a number changed."""
    tables = [damaged.paths.leaderboard, *files_of(damaged.paths)[Kind.TABLE]]
    for path in tables:
        table = None if path.suffix == ".csv" else pq.read_table(path)
        if table is None:
            path.write_text(path.read_text().replace(",0.", ",9.", 1))
        else:
            pq.write_table(table.slice(1), path, compression="zstd")
        found = find_damage(damaged.paths.store)[-1]
        assert (found.kind, damaged.paths.root / found.path) == (Kind.TABLE, path)
        assert found.what == "this table is not what the log says"
    assert [damaged.paths.root / found.path for found in repair(damaged.paths.store)] == tables
    assert damaged.trained_again() == []
    shutil.rmtree(damaged.paths.damaged)
    assert result(damaged.paths.root) == damaged.golden


def test_a_table_that_another_version_of_arrow_wrote_is_none_the_worse(damaged: Damaged) -> None:
    for path in files_of(damaged.paths)[Kind.TABLE]:
        before = path.read_bytes()
        pq.write_table(pq.read_table(path), path, compression="snappy", use_dictionary=False)
        assert path.read_bytes() != before
    assert find_damage(damaged.paths.store) == ()


def test_tables_of_before_a_submit_that_was_killed_are_no_damage(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan(f"model.0.Dense.units={CHOICES}", "search.sampler=grid")
    paths = RunPaths(root=tmp_path / "one")
    with pytest.raises(KeyboardInterrupt):
        do(plan, paths.root, watcher=stop_after(1))
    tables = {path: path.read_bytes() for path in (paths.leaderboard, *files_of(paths)[Kind.TABLE])}
    do(plan, paths.root)
    for path, content in tables.items():
        path.write_bytes(content)
    assert find_damage(paths.store) == ()
    spoil(paths.leaderboard, "cut")
    assert [damage.path for damage in find_damage(paths.store)] == ["leaderboard.csv"]


@pytest.mark.parametrize("what", ["folder", "segments"])
def test_a_missing_log_is_damage_and_no_submit_begins_again_unasked(damaged: Damaged, what: str) -> None:
    if what == "folder":
        shutil.rmtree(damaged.paths.log)
        for reader in (damaged.submit, lambda: Run.open(damaged.paths.root)):
            with pytest.raises(StorageError, match=r"the folder of the log is missing.*fsck --repair.*\[E609\]"):
                reader()
    else:
        for path in damaged.paths.log.iterdir():
            path.unlink()
    (found,) = find_damage(damaged.paths.store)
    assert (found.kind, found.path) == (Kind.LOG, "log")
    repair(damaged.paths.store)
    assert Run.open(damaged.paths.root).records == {}
    assert len(damaged.trained_again()) == 4
    assert result(damaged.paths.root) == damaged.golden
    assert find_damage(damaged.paths.store) == ()


def test_a_damaged_model_is_not_exported(damaged: Damaged, tmp_path: Path) -> None:
    run, out = Run.open(damaged.paths.root), tmp_path / "out.keras"
    best = run.trial(run.leaderboard.entries[0].trial)
    content = export_model(run, best, out).read_bytes()
    assert content == damaged.paths.best.read_bytes()
    flip(damaged.paths.best, 11)
    with pytest.raises(StorageError, match=r"best\.keras: this model is not the one that was written.*\[E609\]"):
        export_model(run, best, out)
    assert out.read_bytes() == content


def test_a_damaged_plan_is_named_and_nothing_is_touched(damaged: Damaged) -> None:
    flip(damaged.paths.plan, damaged.paths.plan.read_bytes().index(b'"seed": 0') + 8)
    assert [damage.kind for damage in find_damage(damaged.paths.store)] == [Kind.PLAN]
    for refused in (damaged.submit, lambda: repair(damaged.paths.store)):
        with pytest.raises(RunFolderError, match=r"run\.json: this run's plan is damaged.*\[E608\]"):
            refused()
    assert not damaged.paths.damaged.exists()


def test_a_run_that_is_held_or_not_there_is_not_repaired(damaged: Damaged, tmp_path: Path) -> None:
    lock = Lock(damaged.paths.lock)
    lock.take()
    with pytest.raises(RunFolderError, match="E602"):
        repair(damaged.paths.store)
    lock.give_back()
    with pytest.raises(NotFoundError, match="E611"):
        find_damage(LocalStore(tmp_path / "nothing"))
