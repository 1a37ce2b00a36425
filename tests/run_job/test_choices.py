"""What a plan chooses for a trial, its compiler and the places of its pack, is part of the trial's ID."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqjobs.execution.in_process import InProcess
from seqjobs.jobspec.meaning import meaning_of
from seqjobs.planning import pack_rule
from seqjobs.planning.trial import Pack
from seqjobs.results.progress import Silent
from seqjobs.results.run import Run
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from seqjobs.training.outcome import PackRunner
from tests.cli import submitted
from tests.faults.drivers import Driver
from tests.fixtures.command_line import invoke
from tests.fixtures.plans import plan_as_if, plan_of, plan_of_texts
from tests.fixtures.run_paths import RunPaths
from tests.fixtures.runs import do, moved_points, result, stop_after
from tests.foreign.forge import Forged, Tree

# A trial has 203 batches per epoch: one of 4 epochs trains in the graph, 16 by XLA, and 64 in packs of 4.
TEXT = """
name: dropped
data: {train: train.parquet, validation: test.parquet, features: [x0, x1, x2, x3, x4, x5], target: yes}
model:
  - Dense: {units: 8, activation: relu}
  - Dropout: {rate: 0.5}
  - Dense: {units: 1, activation: sigmoid}
compile: {optimizer: {Adam: {learning_rate: RATES}}, loss: binary_crossentropy}
fit: {epochs: 4, batch_size: 1}
search: {sampler: grid}
"""
RATE = "compile.optimizer.Adam.learning_rate"
WANTED = 0.01


def text_of(count: int, first: int = 1) -> str:
    """The spec with a trial of the wanted rate and `count - 1` others, whose rates begin with `first` thousandths."""
    others = [(first + number) / 1e5 for number in range(count - 1)]
    return TEXT.replace("RATES", f"{{choice: {[WANTED, *others]}}}")


def wanted(run: Run) -> tuple[str, Mapping[str, Any], str]:
    """The ID of the trial of the wanted rate, its history, and how it was carried out."""
    (trial,) = (trial for trial in run.trials if trial.hyperparameters[RATE] == WANTED)
    record = run.records[trial.id]
    return trial.id, record.history, record.compiled


@pytest.mark.slow
def test_the_same_trial_has_another_id_if_and_only_if_it_may_have_other_bits(
    points: Path, tmp_path: Path, runner: PackRunner
) -> None:
    def train(name: str, count: int, first: int = 1) -> Run:
        plan = plan_of_texts(points, text_of(count, first))
        return run_job(plan.table, InProcess(start=lambda _: runner), LocalStore(tmp_path / name), Silent())

    alone, by_xla, together = (wanted(train(str(count), count)) for count in (1, 16, 64))
    assert [compiled for _, _, compiled in (alone, by_xla, together)] == ["graph", "xla", "xla"]
    assert len({trial_id for trial_id, _, _ in (alone, by_xla, together)}) == 3
    assert alone[1] != by_xla[1]
    # Other companions are no reason for another ID, and change no bit.
    assert wanted(train("others", 64, first=200)) == together


@pytest.mark.slow
def test_a_run_of_packs_that_was_stopped_keeps_ids_and_bits(points: Path, tmp_path: Path, runner: PackRunner) -> None:
    plan = plan_of_texts(points, text_of(8), overrides=["fit.pack=4"])
    undisturbed = run_job(plan.table, InProcess(start=lambda _: runner), LocalStore(tmp_path / "one"), Silent())
    paths = RunPaths(root=tmp_path / "two")
    with pytest.raises(KeyboardInterrupt):
        run_job(plan.table, InProcess(start=lambda _: runner), paths.store, stop_after(1))
    resumed = run_job(plan.table, InProcess(start=lambda _: runner), paths.store, Silent())
    assert {key: record.history for key, record in resumed.records.items()} == {
        key: record.history for key, record in undisturbed.records.items()
    }


def test_a_run_keeps_the_choices_that_it_began_with(
    points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = moved_points(points, tmp_path, text_of(64))
    plan = plan_of(spec)
    do(plan, tmp_path / "golden")
    notes = tmp_path / "notes"
    killed = Driver(spec=spec, root=tmp_path / "run", shown=tmp_path / "shown", notes=notes, die_at=100).start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert 0 < len(Run.open(tmp_path / "run").records) < 64
    # As another version would choose, or more trials in the same run.
    monkeypatch.setattr(pack_rule, "FEWEST_PLACES", 100)
    do(plan, tmp_path / "run")
    assert result(tmp_path / "run") == result(tmp_path / "golden")
    now = do(plan, tmp_path / "now")
    assert not {trial.id for trial in now.trials} & set(Run.open(tmp_path / "run").records)


def test_ids_are_the_same_in_every_command(points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = moved_points(points, tmp_path, text_of(64))
    monkeypatch.chdir(tmp_path)
    run = do(plan_of(spec), tmp_path / "runs" / "one")
    planned = json.loads(invoke("plan", "job.yaml", "-o", "json").stdout)["plan"]
    assert {trial["trial"] for trial in planned} == {trial.id for trial in run.trials} == set(run.records)
    assert {len([other for other in planned if other["pack"] == trial["pack"]]) for trial in planned} == {4}
    shown = json.loads(invoke("results", "one", "-o", "json", "--top", "1").stdout)["leaderboard"]
    assert shown[0]["trial"] in run.records
    assert f"trial {shown[0]['trial']} " in invoke("logs", "one", "--trial", shown[0]["trial"]).stdout


def of_another_version(root: Path) -> None:
    """Make a run what a version would have made of it that gives other IDs to trials of the same choices."""
    forged, ids = Forged(root), dict[str, str]()

    def rename(tree: Tree) -> None:
        for trial in tree["trials"]:
            ids[trial["id"]] = trial["id"] = trial["id"][::-1]

    def rename_in_records(record: Tree) -> None:
        text = json.dumps(record)
        for trial_id, other in ids.items():
            text = text.replace(f'"{trial_id}"', f'"{other}"')
        record.update(json.loads(text))

    forged.plan(rename)
    forged.records(rename_in_records)


def test_a_run_of_a_version_with_other_ids_is_not_resumed(
    points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, root = plan_of(moved_points(points, tmp_path, text_of(3))), tmp_path / "runs" / "one"
    with pytest.raises(KeyboardInterrupt):
        do(plan, root, watcher=stop_after(1))
    of_another_version(root)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("seqjobs.run.RayPool", submitted.pool)
    monkeypatch.setenv("SEQJOBS_TEST_NOTES", str(tmp_path / "notes"))
    assert "the spec is the same, but its trials differ" in invoke("submit", "job.yaml", "--run=one", code=2).stderr
    found = invoke("submit", "job.yaml").stderr
    assert "run one cannot be resumed: another version of seqjobs began it." in found
    assert len(list(root.parent.iterdir())) == 2


def specs() -> st.SearchStrategy[tuple[str, int]]:
    """Specs with numbers of rows, so few that some of their trials are the same."""
    counts = st.sampled_from([1, 15, 16, 63, 64, 80])
    overrides = st.fixed_dictionaries(
        {
            "fit.pack": st.sampled_from(["auto", "off", "4"]),
            "fit.compile": st.sampled_from(["auto", "graph"]),
            "fit.epochs": st.sampled_from([1, 4]),
            "resources.cpus": st.sampled_from([1, 2]),
            "seed": st.sampled_from([0, 1]),
            "search.repeats": st.sampled_from([1, 2]),
        }
    )
    return st.tuples(counts, overrides, st.sampled_from([203, 2030]))  # type: ignore[return-value]


def identities(pack: Pack) -> dict[str, tuple[Any, ...]]:
    """All that the bits of each trial of a pack depend on, by ID."""
    chosen = (pack.size, pack.compiler.value if pack.size == 1 else "")
    return {
        trial.id: (trial.job, str(meaning_of(trial.spec)), trial.seed, pack.resources.cpus, chosen)
        for trial in pack.trials
    }


@settings(max_examples=15, deadline=None, derandomize=True)
@given(drawn=st.lists(specs(), min_size=2, max_size=2))
def test_equal_ids_are_equal_sections_seeds_cpus_compilers_and_places(
    points: Path, drawn: list[tuple[int, dict[str, Any], int]]
) -> None:
    found: dict[str, tuple[Any, ...]] = {}
    for count, overrides, rows in drawn:
        plan = plan_of_texts(points, text_of(count), overrides=[f"{key}={value}" for key, value in overrides.items()])
        for pack in plan_as_if(plan.table, width=6, rows=rows).packs:
            for trial_id, identity in identities(pack).items():
                assert found.setdefault(trial_id, identity) == identity
    assert len(set(found.values())) == len(found)
