from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import seqjobs.data.survey
from seqjobs.data.formats import FORMATS
from seqjobs.jobspec.data_files import SUFFIXES

from .conftest import Folder

FLOATS = pa.array([0.5, 1.5, 2.5], pa.float32())
LABEL = pa.array([0, 1, 2], pa.int64())


def fixed_lists(values: np.ndarray[Any, Any]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def test_bytes_stay_bytes_in_the_shape_given_and_the_scale_is_not_applied(folder: Folder) -> None:
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 12)
    folder.write({"image": fixed_lists(pixels), "label": LABEL})
    dataset = folder.read(features={"image": {"rescale": 0.5, "shape": [2, 3, 2]}})
    assert dataset.train.features.dtype == np.uint8
    assert dataset.train.features.shape == (3, 2, 3, 2)
    np.testing.assert_array_equal(dataset.train.features.reshape(3, 12), pixels)
    assert dataset.train.features.flags.c_contiguous
    assert dataset.scale is not None
    assert dataset.scale.dtype == np.float32
    assert (dataset.scale.shape, float(dataset.scale)) == ((), 0.5)


def test_the_footers_tell_the_same_as_the_rows(folder: Folder) -> None:
    folder.write({"a": FLOATS, "b": [[1, 2], [3, 4], [5, 6]], "label": LABEL})
    folder.write({"a": FLOATS[:2], "b": [[1, 2], [3, 4]], "label": LABEL[:2]}, "validation.parquet")
    schema = folder.inspect(validation="validation.parquet")
    dataset = folder.read(validation="validation.parquet")
    assert dataset.schema == schema
    assert (schema.feature_shape, schema.feature_dtype) == ((3,), "float32")
    assert (schema.target_kind, schema.target_width) == ("integer", 1)
    assert (schema.train_rows, schema.validation_rows) == (3, 2)
    assert dataset.validation is not None
    arrays = [dataset.train.features, dataset.train.target, dataset.validation.features, dataset.validation.target]
    assert schema.memory_bytes == sum(array.nbytes for array in arrays)


def test_all_columns_but_the_target_are_features_in_file_order(folder: Folder) -> None:
    folder.write({"z": [1, 2, 3], "label": LABEL, "a": [4, 5, 6]})
    np.testing.assert_array_equal(folder.read().train.features, [[1, 4], [2, 5], [3, 6]])


def test_named_columns_come_in_the_order_written_and_the_others_behind(folder: Folder) -> None:
    folder.write({"x": [1, 2, 3], "label": LABEL, "y": [4, 5, 6], "z": [7, 8, 9]})
    np.testing.assert_array_equal(folder.read(features=["z", "x"]).train.features[0], [7, 1])
    np.testing.assert_array_equal(folder.read(features=["z"], others="raw").train.features[0], [7, 1, 4])


def test_columns_are_found_in_files_with_another_order(folder: Folder) -> None:
    folder.write({"a": [1], "b": [2], "label": [0]}, "d/1.parquet")
    folder.write({"label": [0], "b": [4], "a": [3]}, "d/2.parquet")
    np.testing.assert_array_equal(folder.read(train="d").train.features, [[1, 2], [3, 4]])


def test_a_column_name_that_begins_like_another_is_not_mixed_up_with_it(folder: Folder) -> None:
    folder.write({"a.b": [7, 7, 7], "a": [1, 2, 3], "label": LABEL})
    np.testing.assert_array_equal(folder.read(features=["a"]).train.features, [[1], [2], [3]])
    np.testing.assert_array_equal(folder.read(features=["a.b"]).train.features, [[7], [7], [7]])


def test_columns_are_flattened_and_joined(folder: Folder) -> None:
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12, dtype=np.float32).reshape(3, 2, 2))
    folder.write({"t": tensors, "x": [-1, -2, -3], "l": [[8, 9]] * 3, "label": LABEL})
    np.testing.assert_array_equal(folder.read().train.features[1], [4, 5, 6, 7, -2, 8, 9])


def test_a_tensor_column_alone_keeps_its_shape(folder: Folder) -> None:
    values = np.arange(18, dtype=np.float32).reshape(3, 2, 3)
    folder.write({"t": pa.FixedShapeTensorArray.from_numpy_ndarray(values), "label": LABEL})
    np.testing.assert_array_equal(folder.read().train.features, values)
    assert folder.read(features={"t": {"shape": [6]}}).train.features.shape == (3, 6)


@pytest.mark.parametrize("kind", [pa.list_(pa.int16()), pa.large_list(pa.int16()), pa.list_(pa.int16(), 2)])
def test_every_kind_of_list(folder: Folder, kind: pa.DataType) -> None:
    folder.write({"l": pa.array([[1, 2], [3, 4], [5, 6]], kind), "label": LABEL})
    assert folder.inspect().feature_shape == (2,)
    np.testing.assert_array_equal(folder.read().train.features, [[1, 2], [3, 4], [5, 6]])


def test_a_single_scalar_column_has_width_one(folder: Folder) -> None:
    folder.write({"x": FLOATS, "label": LABEL})
    np.testing.assert_array_equal(folder.read().train.features, [[0.5], [1.5], [2.5]])


@pytest.mark.parametrize(
    ("types", "dtype"),
    [
        (["uint8", "uint8"], "uint8"),
        (["uint8", "int8"], "int32"),
        (["bool", "bool"], "int32"),
        (["int64", "uint64"], "int32"),
        (["uint8", "float32"], "float32"),
        (["float64", "float16"], "float32"),
    ],
)
def test_the_smallest_type_that_holds_all_columns(folder: Folder, types: list[str], dtype: str) -> None:
    values = np.array([0, 1, 1])
    folder.write({**{f"x{i}": pa.array(values.astype(kind)) for i, kind in enumerate(types)}, "label": LABEL})
    assert folder.inspect().feature_dtype == dtype
    features = folder.read().train.features
    assert features.dtype == dtype
    np.testing.assert_array_equal(features, [[0, 0], [1, 1], [1, 1]])


def test_long_integers_beside_floats_become_floats(folder: Folder) -> None:
    folder.write({"x": [2**40] * 3, "y": FLOATS, "label": LABEL})
    assert folder.read().train.features[0, 0] == np.float32(2**40)


def test_different_factors_make_a_scale_as_wide_as_the_features(folder: Folder) -> None:
    folder.write({"x": [[1, 2]] * 3, "y": [3, 4, 5], "z": [6, 7, 8], "label": LABEL})
    dataset = folder.read(features={"x": {"rescale": 0.5}, "y": {}, "z": {"rescale": 2}})
    assert dataset.scale is not None
    assert dataset.scale.dtype == np.float32
    np.testing.assert_array_equal(dataset.scale, [0.5, 0.5, 1, 2])
    np.testing.assert_array_equal(dataset.train.features[0], [1, 2, 3, 6])


def test_no_scale_where_nothing_is_rescaled(folder: Folder) -> None:
    folder.write({"x": [1, 2, 3], "y": [3, 4, 5], "label": LABEL})
    assert folder.read().scale is None
    assert folder.read(features={"x": {"rescale": 1}, "y": {}}).scale is None
    same = folder.read(features={"x": {"rescale": 0.25}, "y": {"rescale": 0.25}}).scale
    assert same is not None
    assert same.shape == ()


def test_rows_keep_the_order_of_files_row_groups_and_rows(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqjobs.data.survey, "MAX_BATCH_ROWS", 3)
    rows = np.arange(20)
    folder.write({"x": rows[8:15], "label": rows[8:15]}, "d/2.parquet", row_group_size=4)
    folder.write({"x": rows[:8], "label": rows[:8]}, "d/10.parquet", row_group_size=5)
    folder.write({"x": rows[15:], "label": rows[15:]}, "a.parquet", row_group_size=2)
    dataset = folder.read(train=["d", "a.parquet"])
    np.testing.assert_array_equal(dataset.train.features[:, 0], rows)
    np.testing.assert_array_equal(dataset.train.target, rows)


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.list_(pa.int64(), 2)])
def test_lists_are_read_whole_from_every_batch(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, kind: pa.DataType
) -> None:
    monkeypatch.setattr(seqjobs.data.survey, "MAX_BATCH_ROWS", 3)
    rows = np.arange(40).reshape(20, 2)
    folder.write({"x": pa.array(rows.tolist(), kind), "label": range(20)}, row_group_size=7)
    np.testing.assert_array_equal(folder.read().train.features, rows)


def test_an_empty_shard_among_others_adds_nothing(folder: Folder) -> None:
    folder.write({"x": pa.array([], pa.list_(pa.int8())), "label": LABEL[:0]}, "d/1.parquet")
    folder.write({"x": pa.array([[1, 2]] * 3, pa.list_(pa.int8())), "label": LABEL}, "d/2.parquet")
    assert folder.read(train="d").train.features.shape == (3, 2)


def test_every_ending_has_a_reader() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)


DATA = Path(__file__).parents[2] / "jobs" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason="the jobs' data is not here")
def test_the_data_of_a_job() -> None:
    dataset = Folder(path=DATA).read(
        train="digits/train.parquet", validation="digits/test.parquet", features={"image": {"shape": [8, 8, 1]}}
    )
    assert dataset.train.features.shape == (1437, 8, 8, 1)
    assert dataset.train.features.dtype == np.uint8
    assert (dataset.train.features.max(), dataset.num_classes, dataset.schema.validation_rows) == (16, 10, 360)
