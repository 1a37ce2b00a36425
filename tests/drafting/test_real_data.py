"""Drafted specs on the data of `jobs/`: they train as they are, and beat whoever always says the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest

from seqjobs.drafting import draft_spec
from seqjobs.execution.in_process import InProcess
from seqjobs.results.progress import Silent
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from tests.fixtures.plans import plan_of_texts

pytestmark = pytest.mark.slow

SHORT = ("search.trials=1", "objective.metric=val_accuracy")


def share_of_the_largest_class(folder: Path, target: str) -> float:
    found = next(path for path in (folder / "test", folder / "test.parquet") if path.exists())
    _, counts = np.unique(ds.dataset(found).to_table([target])[target], return_counts=True)
    return float(counts.max() / counts.sum())


@pytest.mark.parametrize(
    ("folder", "target", "epochs", "beyond"),
    [("digits", "label", 8, 0.6), ("breast_cancer", "label", 8, 0.2), ("flights_20k", "late", 2, 0.05)],
)
def test_a_draft_spec_learns(
    jobs_data: Path, tmp_path: Path, folder: str, target: str, epochs: int, beyond: float
) -> None:
    out = tmp_path / "drafted.yaml"
    text = draft_spec(str(jobs_data / folder), target, out=out)
    plan = plan_of_texts(tmp_path, text, overrides=(*SHORT, f"fit.epochs={epochs}"))
    run = run_job(plan.table, InProcess(), LocalStore(tmp_path / "run"), Silent())
    assert run.best is not None
    assert run.best.value is not None
    assert run.best.value > share_of_the_largest_class(jobs_data / folder, target) + beyond


@pytest.mark.parametrize(
    ("folder", "target", "lines"),
    [
        ("weather", "target", ["window: standardize", "loss: mse", "metric: val_loss, direction: minimize"]),
        ("mnist", "label", ["image: {rescale: 0.00392157}  # 28x28 pixels", "units: 10, activation: softmax"]),
        ("mnist", "is_high", ["# label is left out: it separates the classes", "units: 1, activation: sigmoid"]),
        ("flights", "late", ["month: one_hot", "metric: val_auc"]),
    ],
)
def test_a_draft_spec_fits_its_data(
    jobs_data: Path, tmp_path: Path, folder: str, target: str, lines: list[str]
) -> None:
    out = tmp_path / "drafted.yaml"
    text = draft_spec(str(jobs_data / folder), target, out=out)
    assert [line for line in lines if line not in text] == []
    assert len(plan_of_texts(tmp_path, text).trials) == 8
