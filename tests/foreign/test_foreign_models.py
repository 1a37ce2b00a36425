"""Predictions and exports of a run from somebody else: weights and preparations that are not those of its model."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np
import pytest

from seqjobs.errors import RunFolderError, SpecError
from seqjobs.execution.in_process import InProcess
from seqjobs.predict import predict_rows
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_trial
from seqjobs.results.weights import encode_weights
from seqjobs.training.outcome import PackRunner
from tests.conftest import POINTS_SPEC
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.finished_run import Finished

from .forge import Change, Forged, Tree

SHAPES = [(6, 8), (8,), (8, 1), (1,)]


def test_weights_of_another_model_are_refused(points: Path, tmp_path: Path, runner: PackRunner) -> None:
    finished = Finished.of(POINTS_SPEC, points, tmp_path / "runs" / "one", runner)
    forged = Forged(tmp_path / "runs" / "one")
    for shapes in ([*SHAPES, (1,)], SHAPES[:-1], [(8, 6), *SHAPES[1:]], []):
        content = encode_weights(tuple(np.zeros(shape, np.float32) for shape in shapes))
        digest = hashlib.sha256(content).hexdigest()
        (forged.root / "weights" / f"{digest}.npz").write_bytes(content)
        assert forged.records(functools.partial(name_weights, digest), "trial-finished")
        run = Run.open(forged.root)
        with pytest.raises(RunFolderError, match=r"the weights of the trial do not fit its model.*\[E609\]"):
            predict_rows(run, find_trial(run, None), [str(points / "test.parquet")], tmp_path / "x.csv", finished.start)
        assert not (tmp_path / "x.csv").exists()


def name_weights(digest: str, record: Tree) -> None:
    record.update(weights=digest)


def first_column(**changes: object) -> Change:
    def change(tree: Tree) -> None:
        tree["datasets"][0]["preparation"]["columns"][0].update(changes)

    return change


def preparation(**changes: object) -> Change:
    return lambda tree: tree["datasets"][0]["preparation"].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        preparation(columns=[]),
        preparation(feature_shape=[7]),
        preparation(feature_shape=[-6, -1]),
        preparation(feature_dtype="object"),
        preparation(scale=["x"]),
        preparation(scale=[1.0, 2.0]),
        first_column(name=3),
        first_column(given={"kind": "code", "dtype": "x", "shape": []}),
        first_column(given={"kind": "float", "dtype": "float32", "shape": [10**12]}),
        first_column(operations=[{"name": "standardize", "mean": None, "deviation": None}]),
        first_column(operations=[{"name": "standardize", "mean": [0.0, 1.0], "deviation": [1.0, 1.0]}]),
        first_column(operations=[{"name": "standardize", "mean": ["x"], "deviation": [1.0]}]),
        first_column(operations=[{"name": "hash", "buckets": 10**12, "seed": 0}]),
        first_column(operations=[{"name": "pad", "length": 10**12, "value": 0.0, "keep": "start"}]),
        first_column(operations=[{"name": "clip", "low": "x", "high": None}]),
        first_column(operations=[{"name": "one_hot", "unseen": "other", "categories": [3]}]),
        first_column(operations=[{"name": "no-such"}]),
        first_column(operations=[{"name": ["clip"]}]),
        first_column(operations=[{"name": "tokens", "length": 3, "words": ["a"]}]),
    ],
)
def test_a_preparation_that_no_training_made_is_refused(forged: Forged, change: Change) -> None:
    forged.plan(change)
    with pytest.raises(RunFolderError, match="E608"):
        Run.open(forged.root)


@pytest.mark.parametrize(
    "hyperparameters", [{}, {"x": 1}, {"model.9.Dense.units": 1}, {"model.0.Dense.units": "no"}, {"model.0": {"": []}}]
)
def test_hyperparameters_of_another_spec_are_refused(
    forged: Forged, points: Path, hyperparameters: dict[str, object]
) -> None:
    forged.plan(lambda tree: [trial.update(hyperparameters=hyperparameters) for trial in tree["trials"]])
    run = Run.open(forged.root)
    rows, out = [str(points / "test.parquet")], forged.root.parent / "x.csv"
    with pytest.raises((RunFolderError, SpecError)):
        predict_rows(run, find_trial(run, None), rows, out, lambda _: InProcess(start=StartFake()))
