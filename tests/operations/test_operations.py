"""What each operation makes of a column, by hand."""

from __future__ import annotations

import io
import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tests.data.conftest import Folder

NUMBERS = [1.0, None, 3.0, 8.0]
LABEL = [0.5, 1.5, 2.5, 3.5]
S = 1 / math.sqrt(2)
TIMES = [datetime(2024, 2, 29, 6, 30), datetime(1969, 12, 31, 18), datetime(2024, 1, 1), datetime(2023, 12, 31, 12)]
WORDS = ["The cat, the dog", "don't THE", "", "cat bird cat"]


def picture(values: Any, form: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.array(values, np.uint8)).save(content, form)
    return content.getvalue()


GREY = [[0, 50], [100, 255]]


@pytest.mark.parametrize(
    ("column", "asked", "expected"),
    [
        ([1, 2, 4, 8], [{"rescale": 0.5}, {"clip": {"high": 3}}], [0.5, 1, 2, 3]),
        ([1.0, 2.0, 4.0, 9.0], "standardize", (np.array([1, 2, 4, 9]) - 4) / math.sqrt(9.5)),
        ([5, 5, 5, 5], "standardize", [0, 0, 0, 0]),
        ([1, 2, 3, 5], "min_max", [0, 0.25, 0.5, 1]),
        ([1, 2, 3, 5], {"min_max": {"low": -1, "high": 1}}, [-1, -0.5, 0, 1]),
        ([7, 7, 7, 7], "min_max", [0, 0, 0, 0]),
        ([2**60 + 1, 2**60 + 2**30, 2**60, 2**61], "min_max", [0, 2**-30, 0, 1]),
        ([-5, 0, 5, 50], {"clip": {"low": 0, "high": 10}}, [0, 0, 5, 10]),
        ([0, 1, 3, -0.5], "log1p", np.log([1, 2, 4, 0.5])),
        (NUMBERS, {"impute": "mean"}, [1, 4, 3, 8]),
        (NUMBERS, {"impute": "median"}, [1, 3, 3, 8]),
        (NUMBERS, {"impute": -1}, [1, -1, 3, 8]),
        ([2.0, None, 5.0, 2.0], {"impute": "most_frequent"}, [2, 2, 5, 2]),
        ([5.0, None, 2.0, math.nan], {"impute": "most_frequent"}, [5, 2, 2, 2]),
        (NUMBERS, {"impute": {"constant": 0, "indicator": True}}, [[1, 0], [0, 1], [3, 0], [8, 0]]),
        ([1.0, math.nan, 3.0, 8.0], [{"impute": "median"}, "standardize"],
         (np.array([1, 3, 3, 8]) - 3.75) / np.std([1, 3, 3, 8])),
        ([[1, 2], [3, None], [5, 4], None], {"impute": "mean"}, [[1, 2], [3, 3], [5, 4], [3, 3]]),
        (["b", "a", "b", "c"], "one_hot", [[0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]),
        (["b", "a", "b", "c"], {"one_hot": {"max": 1}}, [[0, 1], [1, 0], [0, 1], [1, 0]]),
        (["b", "a", "b", "c"], {"one_hot": {"min_count": 2}}, [[0, 1], [1, 0], [0, 1], [1, 0]]),
        (["b", "a", "b", "c"], {"one_hot": {"unseen": "error"}}, [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]),
        (["b", "a", "b", "c"], "index", [1, 2, 1, 3]),
        (["b", "a", "b", "c"], {"index": {"unseen": "error"}}, [0, 1, 0, 2]),
        ([2**60 + 1, 2**60, 2**60 + 1, -1], "index", [1, 3, 1, 2]),
        ([True, False, True, True], "index", [1, 2, 1, 1]),
        (["b", None, "b", "c"], [{"impute": "most_frequent"}, "index"], [1, 1, 1, 2]),
        (["b", None, "a", "c"], [{"impute": {"constant": "a"}}, "index"], [2, 1, 1, 3]),
        ([0, 5, 10, 99], {"bucketize": [5, 10]}, [0, 1, 2, 2]),
        ([4, 1, 3, 2], {"bucketize": {"quantiles": 2}}, [1, 0, 1, 0]),
        ([0, 7, 10, 99], [{"bucketize": [5, 10]}, {"one_hot": {"unseen": "error"}}],
         [[0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0]]),
        ([0, 6, 12, 3], {"cyclic": 24}, [[0, 1], [1, 0], [0, -1], [S, S]]),
        (TIMES, {"cyclic": "hour"}, [[1, 0], [-1, 0], [0, 1], [0, -1]]),
        (TIMES, {"date_parts": ["year", "month", "day", "weekday", "hour"]},
         [[2024, 2, 29, 3, 6], [1969, 12, 31, 2, 18], [2024, 1, 1, 0, 0], [2023, 12, 31, 6, 12]]),
        (TIMES, {"date_parts": ["day_of_year", "minute", "second", "days"]},
         [[60, 30, 0, 19782 + 6.5 / 24], [365, 0, 0, -0.25], [1, 0, 0, 19723], [365, 0, 0, 19722.5]]),
        ([date(2024, 3, 1), date(1970, 1, 2), date(1969, 12, 31), date(2000, 1, 1)], {"date_parts": ["days", "hour"]},
         [[19783, 0], [1, 0], [-1, 0], [10957, 0]]),
        (["2024-02-29T06:30:00", "2024-02-29 06:30", "2024-02-29T06:30:00+02:00", "2024-02-29"],
         {"date_parts": ["day", "hour"]}, [[29, 6], [29, 6], [29, 6], [29, 0]]),
        (pa.array([datetime(2024, 1, 1, 23, tzinfo=UTC)] * 4, pa.timestamp("ms", tz="Europe/Berlin")),
         {"date_parts": ["day", "hour"]}, [[2, 0]] * 4),
        (WORDS, {"tokens": 4}, [[3, 2, 3, 5], [6, 3, 0, 0], [0, 0, 0, 0], [2, 4, 2, 0]]),
        (["A-b c.D", "É é\u00a0é", " \t", "cd_"], {"tokens": 3}, [[3, 2, 0], [4, 5, 0], [0, 0, 0], [2, 0, 0]]),
        (WORDS, {"tokens": {"length": 2, "vocabulary": 1}}, [[1, 2], [1, 1], [0, 0], [2, 1]]),
        (WORDS, {"tokens": {"length": 2, "lowercase": False, "min_count": 2}}, [[1, 2], [1, 1], [0, 0], [2, 1]]),
        ([picture(GREY)] * 3 + [picture(np.stack([GREY] * 3, axis=-1))], {"image": {"size": [2, 2], "channels": 1}},
         [[[[0], [50]], [[100], [255]]]] * 4),
        ([picture(GREY)] * 4, {"image": [2, 2]}, [np.stack([GREY] * 3, axis=-1)] * 4),
        ([picture(np.full((9, 7), 9), "JPEG")] * 4, {"image": {"size": [2, 1], "channels": 1, "resize": True}},
         [[[[9]], [[9]]]] * 4),
        ([[1, 2, 3], [], [4], [5, 6]], {"pad": 2}, [[1, 2], [0, 0], [4, 0], [5, 6]]),
        ([[1, 2, 3], [], [4], [5, 6]], {"pad": {"length": 2, "keep": "end", "value": -1.5}},
         [[2, 3], [-1.5, -1.5], [4, -1.5], [5, 6]]),
        ([[1, 2], [3, None], [5, 6], [None, 8]], [{"impute": 0}, {"pad": 3}],
         [[1, 2, 0], [3, 0, 0], [5, 6, 0], [0, 8, 0]]),
        ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], [{"pad": 3}, {"rescale": 2}, {"clip": {"high": 8}}],
         [[2, 4, 0], [6, 8, 0], [8, 8, 0], [8, 8, 0]]),
    ],
)  # fmt: skip
def test_what_becomes_of_a_column(folder: Folder, column: Any, asked: Any, expected: Any) -> None:
    folder.write({"x": column, "label": LABEL})
    made = folder.read(features={"x": asked}).train.features
    np.testing.assert_allclose(made, np.array(expected).reshape(made.shape), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("column", "asked", "dtype", "shape"),
    [
        (["b", "a", "b", "c"], "index", "int32", (1,)),
        (["b", "a", "b", "c"], "one_hot", "float32", (4,)),
        (["b", "a", "b", "c"], {"hash": 100}, "int32", (1,)),
        (WORDS, {"tokens": 7}, "int32", (7,)),
        ([picture(GREY)] * 4, {"image": [2, 2]}, "uint8", (2, 2, 3)),
        ([picture(GREY)] * 4, {"image": {"size": [2, 2], "channels": 1}, "rescale": 0.5, "shape": [4]}, "uint8", (4,)),
        ([[1], [2], [3], [4]], [{"pad": 6}, {"shape": [3, 2]}], "int32", (3, 2)),
        ([[1.5], [2], [3], [4]], {"pad": 6}, "float32", (6,)),
        (TIMES, {"date_parts": ["year"]}, "float32", (1,)),
        (TIMES, [{"cyclic": "hour"}, {"pad": 3}], "float32", (3,)),
        ([1, 2, 1, 2], [{"one_hot": {"max": 1}}, {"pad": 3}], "float32", (3,)),
    ],
)
def test_what_it_is_kept_as(folder: Folder, column: Any, asked: Any, dtype: str, shape: tuple[int, ...]) -> None:
    """And a plan tells the same before it is read for training."""
    folder.write({"x": column, "label": LABEL})
    dataset = folder.read(features={"x": asked})
    assert (dataset.train.features.dtype.name, dataset.train.features.shape[1:]) == (dtype, shape)
    assert folder.inspect(features={"x": asked}) == dataset.schema


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_of_16_bits_is_the_same_grey_in_8(folder: Folder, channels: int) -> None:
    """0 and 65,535 stay black and white; what lies between goes to the nearest."""
    content = io.BytesIO()
    Image.fromarray(np.array([[0, 32_896], [257 * 7 + 128, 65_535]], np.uint16)).save(content, "PNG")
    folder.write({"x": [content.getvalue()] * 4, "label": LABEL})
    features = folder.read(features={"x": {"image": {"size": [2, 2], "channels": channels}}}).train.features
    assert features[0, :, :, 0].tolist() == [[0, 128], [7, 255]]
    assert features[0].max(axis=-1).tolist() == features[0].min(axis=-1).tolist()


def test_a_factor_behind_all_else_is_left_to_the_program(folder: Folder) -> None:
    folder.write({"x": [picture(GREY)] * 4, "label": LABEL})
    dataset = folder.read(features={"x": [{"image": {"size": [2, 2], "channels": 1}}, {"rescale": 0.25}]})
    assert dataset.train.features.max() == 255
    assert dataset.scale is not None
    assert dataset.scale.tolist() == 0.25


def test_hashes_are_the_same_everywhere_and_others_under_another_seed(folder: Folder) -> None:
    folder.write({"x": ["a", "b", "a", "3"], "y": [1, 2, 1, 3], "z": [0.5, 2, -0.5, 3], "label": LABEL})
    features = folder.read(features={name: {"hash": 1000} for name in "xyz"}).train.features
    assert features[:, 0].tolist() == [905, 580, 905, 989]  # of keras.layers.Hashing(1000, salt=0)
    assert features[3, 0] == features[3, 1] == features[3, 2]
    other = folder.read(features={"x": {"hash": {"buckets": 1000, "seed": 1}}}).train.features
    assert other[:, 0].tolist() != features[:, 0].tolist()


def test_several_columns_stand_side_by_side(folder: Folder) -> None:
    folder.write({"a": ["u", "v", "u", "v"], "b": [0, 1, 2, 3], "c": [9, 8, 7, 6], "label": LABEL})
    features = folder.read(features={"b": "min_max", "a": "one_hot"}, others="raw").train.features
    np.testing.assert_allclose(features[1], [1 / 3, 0, 0, 1, 8], rtol=1e-6)
