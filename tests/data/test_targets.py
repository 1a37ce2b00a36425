from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from .conftest import Folder

X = [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int64(), pa.uint64()])
def test_integers(folder: Folder, kind: pa.DataType) -> None:
    folder.write({"x": X, "label": pa.array([0, 2, 1, 2], kind)})
    folder.write({"x": X, "label": pa.array([0, 2, 1, 7], kind)}, "validation.parquet")
    dataset = folder.read()
    assert dataset.train.target.dtype == np.int32
    np.testing.assert_array_equal(dataset.train.target, [0, 2, 1, 2])
    assert (dataset.num_classes, dataset.classes, dataset.schema.target_kind) == (3, None, "integer")
    assert folder.read(validation="validation.parquet").num_classes == 8


def test_booleans_are_two_classes(folder: Folder) -> None:
    folder.write({"x": X, "label": [True, False, True, True]})
    dataset = folder.read()
    assert dataset.train.target.dtype == np.int32
    np.testing.assert_array_equal(dataset.train.target, [1, 0, 1, 1])
    assert dataset.num_classes == 2


def test_negative_integers_are_no_classes(folder: Folder) -> None:
    folder.write({"x": X, "label": [0, -1, 1, 2]})
    assert folder.read().num_classes is None


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_floats(folder: Folder, kind: pa.DataType) -> None:
    folder.write({"x": X, "label": pa.array(np.array([0.5, -1, 2, 3]).astype(kind.to_pandas_dtype()))})
    dataset = folder.read()
    assert dataset.train.target.dtype == np.float32
    np.testing.assert_array_equal(dataset.train.target, np.array([0.5, -1, 2, 3], np.float32))
    assert (dataset.num_classes, dataset.schema.target_kind) == (None, "number")


@pytest.mark.parametrize("kind", [pa.list_(pa.float64(), 2), pa.list_(pa.int8())])
def test_lists_are_numbers(folder: Folder, kind: pa.DataType) -> None:
    rows = [[1, 0], [0, 1], [1, 1], [0, 0]]
    folder.write({"x": X, "label": pa.array(rows, kind)})
    dataset = folder.read()
    assert dataset.train.target.dtype == np.float32
    np.testing.assert_array_equal(dataset.train.target, rows)
    assert (dataset.schema.target_kind, dataset.schema.target_width, dataset.num_classes) == ("number", 2, None)


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.utf8())],
)
def test_strings_are_indexed_in_sorted_order(folder: Folder, kind: pa.DataType) -> None:
    folder.write({"x": X, "label": pa.array(["b", "é", "B", "b"]).cast(kind)}, row_group_size=2)
    folder.write({"x": X[:2], "label": pa.array(["é", "b"]).cast(kind)}, "validation.parquet")
    dataset = folder.read(validation="validation.parquet")
    assert dataset.classes == ("B", "b", "é")
    assert dataset.num_classes == 3
    assert dataset.train.target.dtype == np.int32
    np.testing.assert_array_equal(dataset.train.target, [1, 2, 0, 1])
    assert dataset.validation is not None
    np.testing.assert_array_equal(dataset.validation.target, [2, 1])


def test_strings_of_a_dictionary_that_no_row_has_are_no_classes(folder: Folder) -> None:
    labels = pa.DictionaryArray.from_arrays(pa.array([2, 0, 2, 0], pa.int8()), pa.array(["c", "unused", "a"]))
    folder.write({"x": X, "label": labels})
    assert folder.read().classes == ("a", "c")


def test_shards_with_strings_of_their_own_make_one_order(folder: Folder) -> None:
    folder.write({"x": X, "label": ["d", "c", "d", "d"]}, "d/1.parquet")
    folder.write({"x": X, "label": ["a", "d", "b", "c"]}, "d/2.parquet")
    dataset = folder.read(train="d")
    assert dataset.classes == ("a", "b", "c", "d")
    np.testing.assert_array_equal(dataset.train.target, [3, 2, 3, 3, 0, 3, 1, 2])


def test_validation_classes_that_training_has_not(folder: Folder) -> None:
    folder.write({"x": X, "label": ["a", "b", "a", "b"]})
    folder.write({"x": X, "label": ["a", "zebra", "b", "zebra"]}, "validation.parquet")
    error = folder.error(validation="validation.parquet")
    assert error.code == "E407"
    assert "'zebra' (2 rows)" in error.what


def test_one_class_only(folder: Folder) -> None:
    folder.write({"x": X, "label": ["a"] * 4})
    error = folder.error()
    assert (error.code, "'a' in all rows" in error.what) == ("E406", True)


@pytest.mark.parametrize(
    "labels",
    [pa.array([1, None, 0, None]), pa.array([0.5, None, 1, None]), pa.array(["a", None, "b", None]),
     pa.array([[1.0], None, [2.0], [None]], pa.list_(pa.float32(), 1))],
)  # fmt: skip
def test_null_labels(folder: Folder, labels: pa.Array) -> None:
    folder.write({"x": X, "label": labels}, row_group_size=3)
    error = folder.error()
    assert error.code == "E408"
    assert "values are null in column 'label'" in error.what
    assert "of 4 rows" in error.what
    assert "row 1" in error.what


def test_all_null_rows_are_counted_over_files(folder: Folder) -> None:
    for name in ("d/1.parquet", "d/2.parquet"):
        folder.write({"x": X, "label": pa.array([1, None, 0, None])}, name)
    assert "(4 of 8 rows)" in folder.error(train="d").what


def test_integers_beyond_32_bits(folder: Folder) -> None:
    folder.write({"x": X, "label": [0, 1, 2**31, 5]})
    error = folder.error()
    assert error.code == "E424"
    assert "2147483648 in row 2" in error.what


def test_text_that_is_not_utf8(folder: Folder) -> None:
    broken = pa.array([b"a", b"\xff", b"a", b"b"], pa.binary()).cast(pa.string(), safe=False)
    folder.write({"x": X, "label": broken})
    assert (folder.error().code, "not UTF-8" in folder.error().what) == ("E407", True)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 1e39])
def test_targets_that_are_not_finite(folder: Folder, value: float) -> None:
    folder.write({"x": X, "label": [0.0, value, 1.0, value]})
    error = folder.error()
    assert error.code == "E431"
    assert "'label' (2 of 4 rows); the first in row 1" in error.what


def test_tensors_of_rank_two_are_no_target(folder: Folder) -> None:
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((4, 2, 2), np.float32))
    folder.write({"x": X, "label": tensors})
    assert (folder.inspect_error().code, folder.inspect_error().where) == ("E403", "data.target")
