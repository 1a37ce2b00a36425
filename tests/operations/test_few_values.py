"""Whole numbers of few values are prepared value by value: with the bits, and the refusals, of rows one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import seqjobs.data.survey
import seqjobs.operations.few_values
from tests.data.conftest import Folder

ROWS = 3000
RANDOM = np.random.default_rng(5)
DATA: dict[str, Any] = {
    "month": RANDOM.integers(1, 13, ROWS).astype(np.int8),
    "sorted": np.sort(RANDOM.integers(-128, 128, ROWS)).astype(np.int8),  # each batch has values of its own
    "huge": RANDOM.integers(2**64 - 7, 2**64 - 1, ROWS, dtype=np.uint64),
    "rare": np.where(RANDOM.random(ROWS) < 0.01, 2**40, RANDOM.integers(0, 9, ROWS)),
    "minute": RANDOM.integers(0, 60, ROWS).astype(np.int32),
    "byte": RANDOM.integers(0, 256, ROWS).astype(np.uint8),
    "label": RANDOM.normal(size=ROWS).astype(np.float32),
}
FEATURES: dict[str, Any] = {
    "month": {"cyclic": 12},
    "sorted": [{"clip": {"low": -90}}, "standardize"],
    "huge": "one_hot",
    "rare": {"index": {"max": 4}},
    "minute": [{"bucketize": {"quantiles": 7}}, {"one_hot": {"unseen": "error"}}],
    "byte": ["log1p", {"impute": "median"}, "min_max"],
}


def test_the_bits_are_those_of_rows_one_by_one(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqjobs.data.survey, "MAX_BATCH_ROWS", 400)
    folder.write(DATA, row_group_size=700)
    found = folder.read(features=FEATURES)
    monkeypatch.setattr(seqjobs.operations.few_values, "MOST", 0)
    expected = folder.read(features=FEATURES)
    assert found.preparation == expected.preparation
    assert found.fingerprint == expected.fingerprint
    monkeypatch.undo()
    as_floats = {**DATA, "byte": DATA["byte"].astype(np.float64), "minute": DATA["minute"].astype(np.float32)}
    folder.write(as_floats)
    assert folder.read(features=FEATURES).fingerprint == expected.fingerprint


def test_rows_of_a_value_that_has_no_feature_are_counted(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqjobs.data.survey, "MAX_BATCH_ROWS", 100)
    numbers = np.arange(1000) % 5
    numbers[[250, 251, 730]] = -1
    folder.write({"x": numbers, "label": DATA["label"][:1000]})
    assert "column 'x' (3 of 1,000 rows); the first in row 250" in folder.error(features={"x": "log1p"}).what
    folder.write({"x": np.abs(numbers), "label": DATA["label"][:1000]})
    folder.write({"x": numbers, "label": DATA["label"][:1000]}, "validation.parquet")
    error = folder.error(validation="validation.parquet", features={"x": {"index": {"unseen": "error"}}})
    assert "no training row has in column 'x' (3 of 1,000 rows); the first in row 250" in error.what
