"""run.json: read back as it was written, or refused with the reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqjobs.data.dataset import DataSchema
from seqjobs.errors import NotFoundError, RunFolderError, StorageError
from seqjobs.execution.executor import DatasetFacts
from seqjobs.execution.in_process import InProcess
from seqjobs.planning.plan import Plan
from seqjobs.results.manifest import Manifest, check_same_data, check_same_plan, read_manifest, write_manifest
from seqjobs.store.local_store import LocalStore
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.run_paths import RunPaths


def facts_of(plan: Plan) -> dict[str, DatasetFacts]:
    with InProcess(start=StartFake()) as executor:
        return dict(executor.load(plan.datasets))


def manifest_of(plan: Plan) -> Manifest:
    return Manifest.of("one", plan, facts_of(plan), created="2026-01-01T00:00:00+00:00", versions={"keras": "3"})


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        (
            "data.target=word",
            "compile.loss=sparse_categorical_crossentropy",
            "model.1={Dense: {units: 4, activation: softmax}}",
        ),
        ("model.0.Dense.units={choice: [1, 2]}", "search.repeats=2", "fit.batch_size={choice: [8, 16]}"),
        ("variants=[{model.0.Dense.units: 3}, {fit.callbacks: [{EarlyStopping: {monitor: val_loss}}]}]",),
    ],
)
def test_a_manifest_comes_back_as_it_was(
    make_points_plan: MakePlan, tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    plan, paths = make_points_plan(*overrides), RunPaths(root=tmp_path)
    written = manifest_of(plan)
    write_manifest(paths.store, written)
    found = read_manifest(paths.store)
    assert found == written
    check_same_plan(found, plan.table, str(tmp_path))
    check_same_data(found, facts_of(plan), str(tmp_path))
    assert found.jobs[0].text == plan.jobs[0].source.text


def test_a_run_is_created_once(make_points_plan: MakePlan, tmp_path: Path) -> None:
    paths, manifest = RunPaths(root=tmp_path), manifest_of(make_points_plan())
    write_manifest(paths.store, manifest)
    with pytest.raises(StorageError, match=r"run\.json: another process has started this run.*\[E605\]"):
        write_manifest(paths.store, replace(manifest, id="two"))
    assert read_manifest(paths.store).id == "one"


def test_no_manifest_is_no_run_and_an_unreadable_one_is_not_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="E611"):
        read_manifest(LocalStore(tmp_path / "missing"))
    paths = RunPaths(root=tmp_path)
    paths.plan.mkdir()
    with pytest.raises(StorageError, match=r"run\.json.*\[E610\]"):
        read_manifest(paths.store)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"{}", b'{"format": 2}', b"\xff", b'{"format": 2, "id": 3}']
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(RunFolderError, match=r"some/run\.json: .*\[E608\]"):
        Manifest.decode(content, "some/run.json")


@pytest.mark.parametrize("part", ["jobs", "trials", "datasets"])
def test_a_part_that_is_something_else_is_refused(make_points_plan: MakePlan, part: str) -> None:
    tree: dict[str, Any] = json.loads(manifest_of(make_points_plan()).encode())
    wrongs: tuple[Any, ...] = (3, [3], [{}], [{**tree[part][0], "more": 1}])
    for wrong in wrongs:
        with pytest.raises(RunFolderError, match="E608"):
            Manifest.decode(json.dumps({**tree, part: wrong}).encode(), "x")


def test_another_format_is_refused_by_its_number() -> None:
    with pytest.raises(RunFolderError, match=r"x: this run has format 1, this seqjobs reads format 2.*\[E607\]"):
        Manifest.decode(b'{"format": 1}', "x")


def test_a_difference_is_shown_and_a_long_one_cut(make_points_plan: MakePlan, tmp_path: Path) -> None:
    manifest = manifest_of(make_points_plan())
    with pytest.raises(RunFolderError, match=r"\n\+-S seed=1\nFix: .*\[E603\]") as found:
        check_same_plan(manifest, make_points_plan("seed=1").table, str(tmp_path))
    assert "-name" not in found.value.what
    long = replace(manifest, jobs=(replace(manifest.jobs[0], text="old\x1b[31m\n" * 40),))
    with pytest.raises(RunFolderError, match=r"\.\.\. and \d+ more lines") as found:
        check_same_plan(long, make_points_plan("seed=1").table, str(tmp_path))
    assert "\x1b" not in found.value.what


def test_a_difference_that_is_not_in_the_text_is_told_as_such(make_points_plan: MakePlan, tmp_path: Path) -> None:
    manifest = manifest_of(make_points_plan())
    other = replace(manifest, trials=(replace(manifest.trials[0], key="0000000000"),))
    with pytest.raises(RunFolderError, match="the spec is the same, but its trials differ"):
        check_same_plan(other, make_points_plan().table, str(tmp_path))


def test_changed_data_is_told_with_its_rows(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan()
    manifest, facts = manifest_of(plan), facts_of(plan)
    ((dataset_id, fact),) = facts.items()
    schema: DataSchema = replace(fact.schema, train_rows=7)
    with pytest.raises(RunFolderError, match=r"203 training rows then, 7 now.*\[E421\]"):
        check_same_data(manifest, {dataset_id: replace(fact, schema=schema, fingerprint="other")}, str(tmp_path))
