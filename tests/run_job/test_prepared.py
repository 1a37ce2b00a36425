"""What operations learned is stored with the run, and the same whoever reads the rows again."""

from __future__ import annotations

from pathlib import Path

from seqjobs.data.read import read_dataset
from seqjobs.results.manifest import read_manifest
from seqjobs.store.local_store import LocalStore
from tests.conftest import MakePlan
from tests.fixtures.runs import do, result

OPERATIONS = "data.features={x0: standardize, word: [one_hot], x1: {bucketize: {quantiles: 4}}, x2: raw}"


def test_a_run_holds_what_was_learned(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan(OPERATIONS)
    do(plan, tmp_path / "run")
    (stored,) = read_manifest(LocalStore(tmp_path / "run")).datasets
    assert stored.preparation == read_dataset(plan.datasets[0]).preparation
    assert stored.feature_shape == (8,)
    chains = stored.preparation.chains if stored.preparation else ()
    assert [chain.name for chain in chains] == ["x0", "word", "x1", "x2"]
    assert not any(chain.learns for chain in chains)


def test_each_split_learns_from_its_own_rows(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan(
        OPERATIONS,
        "data.validation=null",
        "fit.validation_split={choice: [0.2, 0.5]}",
        "search.sampler=grid",
    )
    do(plan, tmp_path / "run")
    first, second = read_manifest(LocalStore(tmp_path / "run")).datasets
    assert first.preparation != second.preparation
    assert first.fingerprint != second.fingerprint
    before = result(tmp_path / "run")
    do(plan, tmp_path / "run")
    assert result(tmp_path / "run") == before
