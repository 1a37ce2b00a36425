"""What a run folder, its data or its models forbid; and drivers that meet in one folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow.parquet as pq
import pytest

from seqjobs.data.data_source import DataSource
from seqjobs.errors import ClusterError, DataError, RunFolderError, SpecError, StorageError
from seqjobs.execution.events import AttemptEnded, AttemptStarted, CheckpointTaken, Event
from seqjobs.execution.executor import DatasetFacts
from seqjobs.planning.plan import Plan
from seqjobs.results.progress import Standing
from seqjobs.results.run import RunStatus
from seqjobs.results.run_folders import run_store
from seqjobs.run import run_job
from seqjobs.store import durable
from seqjobs.store.local_store import LocalStore
from seqjobs.store.lock import Lock
from seqjobs.store.runs_folder import RunsFolder
from tests.conftest import POINTS_SPEC, MakePlan
from tests.fixtures.fake_runner import Behaviour, StartFake, trainings
from tests.fixtures.files import write_rows
from tests.fixtures.plans import plan_of
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import SIX, Recorded, Watcher, committed, do, moved_points, result, stop_after


def test_another_spec_on_the_same_id_is_refused_with_the_difference(make_points_plan: MakePlan, tmp_path: Path) -> None:
    root = tmp_path / "run"
    do(make_points_plan(), root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    watcher = Watcher()
    executor = Recorded()
    other = make_points_plan(text=POINTS_SPEC.replace("units: 8", "units: 9"))
    with pytest.raises(RunFolderError, match=r"(?s)another spec:\n.*\[E603\]") as found:
        run_job(other.table, executor, LocalStore(root), watcher)
    assert "-  - Dense: {units: 8, activation: relu}\n+  - Dense: {units: 9, activation: relu}" in str(found.value)
    assert found.value.exit_code == 2
    assert executor.calls == []
    assert watcher.calls == ["close"]
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "override", ["seed=3", "fit.epochs=4", "keep.best=2", "resources.cpus=2", "objective.metric=val_accuracy"]
)
def test_another_override_is_refused_too(make_points_plan: MakePlan, tmp_path: Path, override: str) -> None:
    do(make_points_plan("objective={metric: val_loss, direction: minimize}"), tmp_path / "run")
    with pytest.raises(RunFolderError, match=rf"(?s)\n\+-S {override}\nFix: .*\[E603\]"):
        do(make_points_plan("objective={metric: val_loss, direction: minimize}", override), tmp_path / "run")


def test_what_changes_no_result_may_change(make_points_plan: MakePlan, tmp_path: Path) -> None:
    do(make_points_plan(), tmp_path / "run")
    executor = Recorded()
    plan = make_points_plan("limits.retries=5", "resources.gpus=0", "limits.run_time=1h")
    run_job(plan.table, executor, LocalStore(tmp_path / "run"), Watcher())
    assert executor.calls == []


@pytest.mark.parametrize("change", ["values", "rows", "classes"])
def test_changed_data_is_refused_and_costs_nothing_that_was_done(points: Path, tmp_path: Path, change: str) -> None:
    spec, root = moved_points(points, tmp_path), tmp_path / "run"
    plan = plan_of(spec, *SIX)
    with pytest.raises(KeyboardInterrupt):
        do(plan, root, watcher=stop_after(2))
    done, original = committed(root), (tmp_path / "train.parquet").read_bytes()
    table = pq.read_table(tmp_path / "train.parquet")
    changed = {"values": table.take([*range(1, 203), 0]), "rows": table.slice(1)}
    # Classes that a sigmoid cannot have: that the data has changed is what is wrong, not the model.
    changed["classes"] = table.set_column(table.schema.get_field_index("yes"), "yes", table["kind"].cast("int8"))
    write_rows(tmp_path / "train.parquet", changed[change])
    with pytest.raises(RunFolderError, match=r"the data has changed.*\[E421\]"):
        do(plan, root)
    assert committed(root) == done
    (tmp_path / "train.parquet").write_bytes(original)
    assert do(plan, root).num_finished == 6


class Failing(Recorded):
    """Its Ray does not start, or its data cannot be reached."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def __enter__(self) -> Self:
        if self._where == "start":
            raise ClusterError("E508", "no cluster", fix="start one.")
        return super().__enter__()

    def load(self, sources: Sequence[DataSource]) -> Mapping[str, DatasetFacts]:
        if self._where == "data":
            raise KeyboardInterrupt
        return super().load(sources)


@pytest.mark.parametrize("where", ["start", "data"])
def test_a_submit_that_fails_before_it_trains_leaves_what_packs_have_saved(
    make_points_plan: MakePlan, tmp_path: Path, where: str
) -> None:
    rates = "compile.optimizer.Adam.learning_rate={choice: [0.1, 0.2, 0.3, 0.4]}"
    plan = make_points_plan(rates, "search.sampler=grid", "fit.pack=4", "limits.checkpoint=1")
    paths = RunPaths(root=tmp_path / "run")

    def stop(event: Event, standing: Standing) -> None:
        if isinstance(event, CheckpointTaken):
            assert len(standing.plan.packs) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do(plan, paths.root, watcher=Watcher(stop))
    before = {path: path.read_bytes() for path in paths.checkpoints.iterdir()}
    assert len(before) == 1
    with pytest.raises((ClusterError, KeyboardInterrupt)):
        run_job(plan.table, Failing(where), paths.store, Watcher())
    assert {path: path.read_bytes() for path in paths.checkpoints.iterdir()} == before
    assert do(plan, paths.root).num_finished == 4


def test_the_same_text_about_other_rows_is_told_apart(points: Path, tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        moved_points(points, tmp_path / name)
    here, there = (plan_of(tmp_path / name / "job.yaml") for name in ("here", "there"))
    do(here, tmp_path / "run")
    # Equal rows are the same dataset, wherever they are. Other rows are another one, also for a run that is finished.
    do(there, tmp_path / "run")
    path = tmp_path / "there" / "train.parquet"
    write_rows(path, pq.read_table(path).slice(1))
    with pytest.raises(RunFolderError, match=r"the data has changed since this run began .*\[E421\]"):
        do(there, tmp_path / "run")
    do(here, tmp_path / "run")


def test_a_model_that_a_worker_cannot_build_stops_the_run_before_any_trial(
    make_points_plan: MakePlan, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    units = f"model.0.Dense.units={{choice: [1, {Behaviour.UNBUILDABLE.value}]}}"
    with pytest.raises(SpecError, match=r"cannot be built, being fake.*\[E313\]"):
        do(make_points_plan(units, "search.sampler=grid"), tmp_path / "run", start=StartFake(notes=notes))
    assert trainings(notes) == []
    # Mended, it runs under the same id: nothing had been created of it.
    do(make_points_plan("model.0.Dense.units=4"), tmp_path / "run", start=StartFake(notes=notes))
    assert len(trainings(notes)) == 1


def test_class_weights_of_no_class_are_refused_before_anything_trains(
    make_points_plan: MakePlan, tmp_path: Path
) -> None:
    notes, start = tmp_path / "notes", StartFake(notes=tmp_path / "notes")
    words = ("data.target=word", "compile.loss=categorical_crossentropy", "model.1.Dense.units=4",
             "model.1.Dense.activation=softmax")  # fmt: skip
    with pytest.raises(SpecError, match=r"fit.class_weight.hihg: .*Did you mean 'high'\?.*\[E314\]"):
        do(make_points_plan(*words, "fit.class_weight={hihg: 2, low: 1}"), tmp_path / "run", start=start)
    assert trainings(notes) == []
    do(make_points_plan(*words, "fit.class_weight={high: 2, low: 1}"), tmp_path / "run", start=start)
    assert len(trainings(notes)) == 1


def test_a_submit_that_stopped_before_its_plan_leaves_a_folder_that_can_be_used(points: Path, tmp_path: Path) -> None:
    spec, runs = moved_points(points, tmp_path), tmp_path / "runs"
    plan = plan_of(spec)
    (tmp_path / "test.parquet").write_bytes(b"PAR1 no more")
    watcher = Watcher()
    with pytest.raises(DataError):
        do(plan, Path(run_store(RunsFolder(runs), "one").where()), watcher=watcher)
    assert watcher.calls[-1] == "close"
    (tmp_path / "test.parquet").write_bytes((points / "test.parquet").read_bytes())
    for name in ("log", "weights", "logs"):  # what one that was killed a moment later leaves besides
        (runs / "one" / name).mkdir()
    (runs / "one" / f"{durable.ASIDE_PREFIX}1-ab").write_text("half a plan")
    run = do(plan, Path(run_store(RunsFolder(runs), "one").where()))
    assert run.status is RunStatus.FINISHED
    assert not list((runs / "one").rglob(f"{durable.ASIDE_PREFIX}*"))


def test_a_log_without_its_plan_is_not_taken_for_a_new_run(six: Plan, tmp_path: Path) -> None:
    root = do(six, tmp_path / "run").path
    (root / "run.json").unlink()
    with pytest.raises(RunFolderError, match="E608"):
        do(six, root)


def test_two_at_once_one_runs(six: Plan, tmp_path: Path, golden: dict[str, Any]) -> None:
    root = tmp_path / "run"
    refused: list[str] = []

    def intrude(event: Event, _standing: Standing) -> None:
        if isinstance(event, AttemptStarted) and not refused:
            watcher = Watcher()
            with pytest.raises(RunFolderError, match=rf"process {os.getpid()} on .*\[E602\]") as found:
                do(six, root, watcher=watcher)
            refused.append(str(found.value))
            assert watcher.calls == ["close"]

    assert do(six, root, watcher=Watcher(intrude)).status is RunStatus.FINISHED
    assert len(refused) == 1
    assert result(root) == golden


def test_a_driver_that_is_not_the_owner_any_more_touches_nothing(
    six: Plan, tmp_path: Path, golden: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zombie whose lock did not hold, as on a file system without flock."""
    monkeypatch.setattr(Lock, "take", lambda _self: None)
    root = tmp_path / "run"

    def overtake(event: Event, _standing: Standing) -> None:
        if isinstance(event, AttemptEnded) and not overtaken:
            overtaken.append(root)
            do(six, root)

    overtaken: list[Path] = []
    with pytest.raises(StorageError, match="E605"):
        do(six, root, watcher=Watcher(overtake))
    assert result(root) == golden
