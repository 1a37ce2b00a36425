"""What operations learn, and from which rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pytest

import seqjobs.data.survey
import seqjobs.data.training_rows
from seqjobs.data.data_file import DataFile
from seqjobs.data.preparation import Preparation
from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError
from tests.data.conftest import Folder

ROWS = 300
RANDOM = np.random.default_rng(7)
TABLE = pa.table(
    {
        "number": pa.array(RANDOM.normal(1e6, 3.0, ROWS), mask=RANDOM.random(ROWS) < 0.1),
        "skewed": RANDOM.exponential(100, ROWS),
        "city": [f"city {value}" for value in RANDOM.zipf(1.5, ROWS) % 17],
        "text": [" ".join(f"w{word}" for word in RANDOM.zipf(1.5, 5) % 40) for _ in range(ROWS)],
        "label": RANDOM.normal(size=ROWS),
    }
)
FEATURES = {
    "number": [{"impute": "mean"}, "standardize"],
    "skewed": ["log1p", {"bucketize": {"quantiles": 5}}, "one_hot"],
    "city": {"one_hot": {"max": 9}},
    "text": {"tokens": {"length": 4, "vocabulary": 20}},
}


def test_the_bits_do_not_depend_on_how_files_and_batches_are_cut(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seqjobs.data.training_rows, "LEARNED_AT_ONCE", 64)
    folder.write(TABLE)
    expected = folder.read(features=FEATURES)
    for part, start in enumerate((0, 7, 100, 101)):
        length = (7, 93, 1, 199)[part]
        folder.write(TABLE.slice(start, length), f"parts/{part}.parquet", row_group_size=13)
    monkeypatch.setattr(seqjobs.data.survey, "MAX_BATCH_ROWS", 11)
    found = folder.read(train="parts", features=FEATURES)
    np.testing.assert_array_equal(found.train.features, expected.train.features)
    assert found.preparation == expected.preparation
    assert found.fingerprint == expected.fingerprint
    monkeypatch.setattr(seqjobs.data.training_rows, "LEARNED_AT_ONCE", 50)
    assert folder.read(features=FEATURES).preparation != expected.preparation  # so what is fixed above is what matters


@pytest.mark.parametrize("suffix", ["csv", "feather"])
def test_other_formats_give_the_same_bits(folder: Folder, suffix: str) -> None:
    folder.write(TABLE)
    if suffix == "csv":
        pyarrow.csv.write_csv(TABLE, folder.path / "train.csv")
    else:
        pyarrow.feather.write_feather(TABLE, str(folder.path / "train.feather"))
    assert folder.read(train=f"train.{suffix}", features=FEATURES).fingerprint == (
        folder.read(features=FEATURES).fingerprint
    )


def test_nothing_is_learned_from_the_rows_that_validate(folder: Folder) -> None:
    folder.write({"x": [1.0, 3.0, 500.0, -9.0], "c": ["a", "b", "z", "a"], "label": [0, 1, 0, 1]})
    features = {"x": "standardize", "c": "one_hot"}
    source = replace(folder.source(features=features), validation_split=0.5)
    dataset = read_dataset(source)
    np.testing.assert_array_equal(dataset.train.features[:, 0], [-1, 1, 498, -11])
    np.testing.assert_array_equal(dataset.train.features[2, 1:], [1, 0, 0])  # "z" is one of the others
    folder.write({"x": [1.0, 3.0], "c": ["a", "b"], "label": [0, 1]}, "first.parquet")
    folder.write({"x": [500.0, -9.0], "c": ["z", "a"], "label": [0, 1]}, "last.parquet")
    other = folder.read(train="first.parquet", validation="last.parquet", features=features)
    assert other.validation is not None
    np.testing.assert_array_equal(other.validation.features, dataset.train.features[2:])
    assert other.preparation == dataset.preparation


def test_a_split_that_leaves_no_row_to_learn_from_is_told(folder: Folder) -> None:
    folder.write({"x": [1.0], "label": [0.5]})
    source = replace(folder.source(features={"x": "standardize"}), validation_split=0.5)
    with pytest.raises(DataError, match=r"fit.validation_split 0.5 leaves none of 1 rows.*\[E406\]") as caught:
        read_dataset(source)
    assert caught.value.fix


def test_a_column_far_from_0_keeps_its_digits(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqjobs.data.training_rows, "LEARNED_AT_ONCE", 10)
    steps = np.arange(1000) / 1000
    folder.write({"x": 1e8 + steps, "label": steps})
    made = folder.read(features={"x": "standardize"}).train.features[:, 0]
    np.testing.assert_allclose(made, (steps - steps.mean()) / steps.std(), rtol=1e-5, atol=1e-6)


def test_rows_are_read_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write(TABLE)
    folder.write(TABLE.slice(0, 50), "validation.parquet")
    read: Counter[str] = Counter()
    batches = DataFile.batches

    def counting(self: DataFile, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        for batch in batches(self, columns, rows):
            read[self.name] += batch.num_rows
            yield batch

    monkeypatch.setattr(DataFile, "batches", counting)
    folder.read(features=FEATURES, validation="validation.parquet")
    assert sorted(read.values()) == [50, ROWS]


def test_what_was_learned_is_the_same_behind_json(folder: Folder) -> None:
    folder.write(TABLE)
    features: dict[str, Any] = {
        **FEATURES,
        "skewed": [{"impute": {"strategy": "median", "indicator": True}}, "min_max"],
    }
    preparation = folder.read(features=features).preparation
    text = json.dumps(preparation.to_json(), allow_nan=False)
    assert Preparation.from_json(json.loads(text)) == preparation
