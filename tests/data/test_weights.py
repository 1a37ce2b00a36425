"""Rows' weights: read with the rows, and what they and the classes come to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from seqjobs.data.dataset import Array, Split
from seqjobs.data.weights import training_weights
from seqjobs.jobspec.job_spec import JobSpec
from tests.jobspec.spec_texts import changed, parse

from .conftest import Folder

LABEL = [0, 1, 2]


# --- the column -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int64(), pa.uint8()])
def test_the_column_is_read_as_float32_and_is_no_feature(folder: Folder, kind: pa.DataType) -> None:
    folder.write({"a": [4, 5, 6], "w": pa.array([0, 2, 1], kind), "label": LABEL, "b": [7, 8, 9]})
    folder.write({"a": [1], "w": pa.array([3], kind), "label": [0], "b": [2]}, "v.parquet")
    for spec in ({}, {"features": ["a"], "others": "raw"}, {"features": ["a", "b"]}):
        dataset = folder.read(sample_weight="w", validation="v.parquet", **spec)
        np.testing.assert_array_equal(dataset.train.features, [[4, 7], [5, 8], [6, 9]])
        assert dataset.train.weight is not None
        assert dataset.train.weight.dtype == np.float32
        np.testing.assert_array_equal(dataset.train.weight, [0, 2, 1])
        assert dataset.validation is not None
        assert dataset.validation.weight is not None
        np.testing.assert_array_equal(dataset.validation.weight, [3])
        assert dataset.schema == folder.inspect(sample_weight="w", validation="v.parquet", **spec)
        arrays = [part for split in (dataset.train, dataset.validation) for part in (split.features, split.target)]
        assert dataset.schema.memory_bytes == sum(array.nbytes for array in arrays) + 4 * 4


def test_without_it_no_row_has_a_weight(folder: Folder) -> None:
    folder.write({"a": [4, 5, 6], "label": LABEL})
    assert folder.read().train.weight is None


def test_weights_come_in_the_order_of_the_rows_over_files_and_batches(folder: Folder) -> None:
    weights = np.random.default_rng(0).random(200_000).astype(np.float32)
    for part in range(2):
        rows = slice(part * 100_000, (part + 1) * 100_000)
        columns = {"x": weights[rows], "w": weights[rows], "label": np.zeros(100_000, np.int8)}
        folder.write(columns, f"rows/{part}.parquet", row_group_size=7_000)
    dataset = folder.read(train="rows", sample_weight="w")
    np.testing.assert_array_equal(dataset.train.weight, weights)
    np.testing.assert_array_equal(dataset.train.features[:, 0], weights)


def test_a_missing_column_suggests_the_nearest(folder: Folder) -> None:
    folder.write({"x": LABEL, "weight": LABEL, "label": LABEL})
    error = folder.inspect_error(sample_weight="wieght")
    assert (error.code, error.where) == ("E402", "train.parquet")
    assert ("no column 'wieght'" in error.what, error.fix) == (True, "did you mean 'weight'?")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (pa.array(["a", "b", "c"]), "column 'w' is str, and a row's weight is one number"),
        (pa.array([[1.0, 2.0]] * 3), "column 'w' is lists of float64, and a row's weight is one number"),
        (pa.array([[1.0]] * 3, pa.list_(pa.float32(), 1)), "column 'w' is 1 float32, and a row's weight is one number"),
        (pa.array([b"a"] * 3), "column 'w' holds no numbers"),
    ],
)
def test_a_column_of_something_else(folder: Folder, values: pa.Array, told: str) -> None:
    folder.write({"x": LABEL, "w": values, "label": LABEL})
    error = folder.inspect_error(sample_weight="w")
    assert (error.code, error.where) == ("E403", "train.parquet")
    assert told in error.what
    assert error.fix == "name a column of numbers in data.sample_weight."


@pytest.mark.parametrize(
    ("values", "code", "told"),
    [
        ([1.0, None, None], "E408", "values are null in column 'w' (2 of 3 rows); the first in row 1"),
        (
            [1.0, float("nan"), 1.0],
            "E431",
            "values are NaN or infinite in column 'w' (1 of 3 rows); the first in row 1",
        ),
        ([1.0, 1.0, 1e39], "E431", "values are NaN or infinite in column 'w' (1 of 3 rows); the first in row 2"),
        ([-0.5, 1.0, -1.0], "E431", "values are negative in column 'w' (2 of 3 rows); the first in row 0"),
    ],
)
@pytest.mark.parametrize("split", ["train", "validation"])
def test_weights_that_no_row_can_have(folder: Folder, values: list[Any], code: str, told: str, split: str) -> None:
    good = {"x": LABEL, "w": [1.0, 0.0, 2.0], "label": LABEL}
    for name in ("train", "validation"):
        folder.write({**good, "w": values} if name == split else good, f"{name}.parquet")
    error = folder.error(sample_weight="w", validation="validation.parquet")
    assert (error.code, error.where) == (code, f"{split}.parquet")
    assert told in error.what


@pytest.mark.parametrize("values", [None, pa.array([1, 2, 3])])
def test_validation_files_have_the_same_column(folder: Folder, values: pa.Array | None) -> None:
    folder.write({"x": LABEL, "w": [1.0, 2.0, 3.0], "label": LABEL})
    folder.write({"x": LABEL, **({} if values is None else {"w": values}), "label": LABEL}, "v.parquet")
    error = folder.inspect_error(features=["x"], sample_weight="w", validation="v.parquet")
    assert (error.code, "column 'w' is" in error.what) == ("E404", True)


def test_only_a_target_and_weights(folder: Folder) -> None:
    folder.write({"w": [1.0, 2.0, 3.0], "label": LABEL})
    error = folder.inspect_error(sample_weight="w")
    assert (error.code, "no column except 'label' and 'w'" in error.what) == ("E402", True)


def test_weights_are_part_of_the_fingerprint(folder: Folder) -> None:
    columns = {"x": LABEL, "w": [1.0, 2.0, 3.0], "other": [1.0, 2.0, 3.0], "label": LABEL}
    folder.write(columns)
    found = [folder.read(features=["x"], sample_weight=name).fingerprint for name in (None, "w", "other")]
    folder.write({**columns, "w": [1.0, 2.0, 4.0]})
    found += [folder.read(features=["x"], sample_weight="w").fingerprint]
    assert len(set(found)) == 4
    assert folder.read(features=["x"]).fingerprint == found[0]


# --- what rows count --------------------------------------------------------------------------------------------------


def job(class_weight: str) -> JobSpec:
    return parse(changed(("epochs: 2", f"epochs: 2, class_weight: {class_weight}")))


def weights_of(
    class_weight: str, target: Array, weight: Array | None = None, classes: tuple[str, ...] | None = None
) -> Any:
    features = np.zeros((len(target), 1), np.float32)
    split = Split(features=features, target=target, weight=weight)
    return training_weights(job(class_weight).trial({}), split, classes)


TARGET = np.array([0, 2, 2, 1, 2, 0, 2, 2], np.int32)
OWN = np.array([1, 0, 0.5, 3, 1, 1, 2, 1], np.float32)


def test_none_where_none_are_asked_for() -> None:
    assert weights_of("null", TARGET) is None
    np.testing.assert_array_equal(weights_of("null", TARGET, OWN), OWN)


@pytest.mark.slow
@pytest.mark.parametrize(
    "target",
    [
        TARGET,
        TARGET.astype(np.float32),
        TARGET[:, None].astype(np.float32),
        np.eye(3, dtype=np.float32)[TARGET],
        np.array([0, 1, 1, 0, 0], np.float32),
        np.array([0.1, 0.9, 0.9, 0.1], np.float32),
        np.array([-1, 1, 1, -1], np.int32),
    ],
    ids=["integers", "floats", "lists of one", "one-hot", "yes or no", "smoothed", "hinge"],
)
def test_a_class_counts_as_in_keras_and_one_that_is_left_out_counts_1(target: Array) -> None:
    import keras  # noqa: PLC0415 (imports TensorFlow)

    expected = keras.src.trainers.data_adapters.data_adapter_utils.class_weight_to_sample_weights(
        target, {-1: 7.0, 0: 2.0, 1: 0.3}
    )
    found = weights_of("{-1: 7, 0: 2, 1: 0.3}", target)
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert len(set(expected)) > 1


def test_classes_of_strings_are_named_by_their_strings() -> None:
    found = weights_of("{low: 2, high: 0.5}", TARGET, classes=("high", "low", "mid"))
    np.testing.assert_array_equal(found, np.array([0.5, 1, 1, 2, 1, 0.5, 1, 1], np.float32))


def test_weights_of_rows_and_of_their_classes_are_multiplied() -> None:
    found = weights_of("{2: 3}", TARGET, OWN)
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, OWN * np.where(TARGET == 2, 3, 1))


def test_balanced_is_the_formula_of_scikit_learn() -> None:
    """n_samples / (n_classes * np.bincount(y)), over the classes that have rows."""
    by_class = {0: 8 / (3 * 2), 1: 8 / (3 * 1), 2: 8 / (3 * 5)}
    found = weights_of("balanced", TARGET)
    np.testing.assert_allclose(found, [by_class[label] for label in TARGET], rtol=1e-7)
    np.testing.assert_array_equal(weights_of("balanced", TARGET * 5), found)


def test_balanced_counts_the_rows_that_are_trained_on() -> None:
    np.testing.assert_allclose(weights_of("balanced", TARGET[:4]), np.array([4, 2, 2, 4]) / 3, rtol=1e-7)
