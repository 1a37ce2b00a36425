"""What an operation does not take is reported with the column, the operation and the rows."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pytest

from tests.data.conftest import Folder

from .test_operations import GREY, picture

# A part of what is wrong -> its code; all other values cannot be read as what the operation takes.
CODES = {
    "null": "E408",
    "NaN": "E431",
    "logarithm": "E431",
    "2**53": "E424",
    "no training row": "E407",
    "bytes, and": "E403",
}
LABEL = [0, 1, 0, 1]
TEXT = ["a", "b", "a", "c"]
LIST = [[1], [2, 3], [4], []]


@pytest.mark.parametrize(
    ("column", "asked", "what"),
    [
        (TEXT, "standardize", "standardize: it takes numbers, but is given str"),
        (TEXT, {"impute": "mean"}, "impute: it takes numbers if its strategy is mean, but is given str"),
        (TEXT, {"impute": 0}, "impute: it takes numbers if its constant is one, but is given str"),
        (TEXT, {"image": [2, 2]}, "image: it takes pictures, but is given str"),
        (TEXT, [{"impute": "most_frequent"}, "log1p"], "log1p: it takes numbers, but is given str"),
        (
            [1, 2, 3, 4],
            {"impute": {"constant": "x"}},
            "impute: it takes strings if its constant is one, but is given int64",
        ),
        ([1, 2, 3, 4], {"tokens": 3}, "tokens: it takes texts, but is given int64"),
        ([1, 2, 3, 4], {"date_parts": ["hour"]}, "date_parts: it takes times, but is given int64"),
        ([1, 2, 3, 4], {"pad": 3}, "pad: it takes lists of numbers, but is given int64"),
        (
            [datetime(2024, 1, 1)] * 4,
            {"cyclic": 24},
            "cyclic: it takes numbers if it has a period, but is given timestamp[us]",
        ),
        ([datetime(2024, 1, 1)] * 4, "one_hot", "one_hot: it takes single strings or numbers, but is given"),
        ([[1, 2]] * 4, "one_hot", "one_hot: it takes single strings or numbers, but is given"),
        ([1, 2, 3, 4], [{"pad": 3}], "pad: it takes lists"),
        (TEXT, {"impute": "most_frequent"}, "after impute the column is str, and features are numbers"),
        (TEXT, {"impute": {"constant": "none"}}, "after impute the column is str, and features are numbers"),
        *[
            (
                pa.array([0, 1, 2, 3], pa.timestamp("s", "Mars/Phobos")),
                asked,
                "its times are in the zone 'Mars/Phobos', which is not known",
            )
            for asked in ({"date_parts": ["hour"]}, [{"cyclic": "hour"}, "standardize"])
        ],
    ],
)
def test_columns_of_a_wrong_type_are_refused_before_rows_are_read(
    folder: Folder, column: Any, asked: Any, what: str
) -> None:
    folder.write({"x": column, "label": LABEL})
    error = folder.inspect_error(features={"x": asked})
    assert (error.code, error.where) == ("E403", "data.features.x")
    assert what in error.what
    assert error.fix


@pytest.mark.parametrize(
    ("column", "asked", "what"),
    [
        ([1.0, None, None, 2.0], "standardize", "null in column 'x' (2 of 4 rows); the first in row 1"),
        ([1.0, None, math.nan, 2.0], "min_max", "null in column 'x' (1 of 4 rows)"),
        ([None, "a", "b", "a"], "one_hot", "null in column 'x' (1 of 4 rows); the first in row 0"),
        (["a", "a", None, "b"], "index", "null in column 'x' (1 of 4 rows); the first in row 2"),
        (["a", "a", None, "b"], {"hash": 9}, "null in column 'x'"),
        (["a", "a", None, "b"], {"tokens": 2}, "null in column 'x'"),
        ([1.0, 2.0, None, 3.0], {"bucketize": [2]}, "null in column 'x'"),
        ([[1, 2], None, [3, 4], [5, 6]], {"pad": 2}, "null in column 'x'"),
        ([[1, 2], [1, None], [3, 4], [5, 6]], {"pad": 2}, "null in column 'x' (1 of 4 rows); the first in row 1"),
        ([[1, 2], [1, None], [3, 4], [5, 6]], "standardize", "null in column 'x' (1 of 4 rows); the first in row 1"),
        (pa.array([None, 0, 1, 2], pa.timestamp("s")), {"cyclic": "hour"}, "null in column 'x' (1 of 4 rows)"),
        ([picture(GREY), None, picture(GREY), picture(GREY)], {"image": [2, 2]}, "null in column 'x'"),
        ([1.0, -1.0, -7.0, 2.0], "log1p", "-1 or less, which has no logarithm of 1 + x, in column 'x' (2 of 4 rows)"),
        (["2024-01-01", "01.02.2024", "x", "2024-01-01"], {"date_parts": ["day"]},
         "no times in the form 2024-03-31 or 2024-03-31T23:59:59 in column 'x' (2 of 4 rows); the first in row 1"),
        ([picture(GREY), b"", b"\x89PNG\r\n\x1a\nx", picture(GREY)], {"image": [2, 2]},
         "no PNG or JPEG pictures in column 'x' (2 of 4 rows)"),
        ([picture(GREY), picture(GREY)[:-30], picture(GREY), picture(GREY)], {"image": [2, 2]},
         "no PNG or JPEG pictures in column 'x' (1 of 4 rows)"),
        ([picture(GREY)] * 4, {"image": [2, 3]}, "pictures that are not 2 high and 3 wide in column 'x' (4 of 4 rows)"),
        ([1e300, 1.0, 2.0, 3.0], [{"clip": {"low": 0}}], "NaN or infinite in column 'x' (1 of 4 rows)"),
        ([1.0, math.nan, 2.0, 1.0], "one_hot", "null in column 'x' (1 of 4 rows); the first in row 1"),
        ([1.0, math.nan, None, 1.0], "index", "null in column 'x' (2 of 4 rows); the first in row 1"),
        ([1.0, 1.0, math.nan, 1.0], {"hash": 9}, "null in column 'x' (1 of 4 rows); the first in row 2"),
        *[
            ([1.0, math.inf, 2.0, -math.inf], asked, "NaN or infinite in column 'x' (2 of 4 rows); the first in row 1")
            for asked in (
                "one_hot", "index", {"hash": 9}, "standardize", "min_max", ["min_max", {"clip": {"high": 1}}],
                {"bucketize": [1.5]}, {"bucketize": {"quantiles": 2}}, {"impute": "mean"},
                [{"impute": "median"}, "standardize"],
            )
        ],
        ([1.0, math.inf, 2.0, 3.0], ["log1p", "index"], "NaN or infinite in column 'x' (1 of 4 rows)"),
        *[
            (pa.array([2**60 + 1, 2**60 + 2, None, 5]), [{"impute": "most_frequent"}, asked],
             "whole numbers of 2**53 or more, which impute cannot hold exactly, in column 'x' (2 of 4")
            for asked in ("index", "one_hot", {"hash": 9})
        ],
        (["a" * 20_000, "b", "c", "d"], "one_hot", "a text has 20,000 bytes, and the name of a category has at most"),
    ],
)  # fmt: skip
def test_rows_that_have_no_feature_are_counted(folder: Folder, column: Any, asked: Any, what: str) -> None:
    folder.write({"x": column, "label": LABEL})
    error = folder.error(features={"x": asked})
    assert what in error.what
    assert error.code == next((code for words, code in CODES.items() if words in what), "E410")
    assert error.fix


@pytest.mark.parametrize(
    ("column", "asked", "what"),
    [
        (["", " ,", "...", "-"], {"tokens": 2}, "tokens: the texts of the training rows have no words"),
        (pa.nulls(4, pa.float64()), {"impute": "median"}, "impute: the value is missing in all training rows"),
        (
            ["", None, "", ""],
            [{"impute": "most_frequent"}, "index"],
            "impute: the value is missing in all training rows",
        ),
        (
            pa.nulls(4, pa.string()),
            [{"impute": "most_frequent"}, "index"],
            "impute: the value is missing in all training rows",
        ),
        (
            pa.nulls(4, pa.float64()),
            {"bucketize": {"quantiles": 2}},
            "bucketize: the value is missing in all training rows",
        ),
        (
            ["a b", "c", "d", ""],
            {"tokens": {"length": 2, "min_count": 2}},
            "tokens: the texts of the training rows have no words that they have 2 times",
        ),
        (
            [f"word {row}" for row in range(10_001)],
            "index",
            "index: the first 10,001 training rows have 10,001 distinct values, and without `max` there may be 10,000",
        ),
        (
            [row // 2 for row in range(20_002)],
            {"one_hot": {"min_count": 2}},
            "one_hot: the training rows have 10,001 distinct values that at least 2 rows have, and without `max`",
        ),
        (
            [row / 2 for row in range(10_001)],
            {"one_hot": {"unseen": "error"}},
            "one_hot: the first 10,001 training rows have 10,001 distinct values",
        ),
        *[
            (
                [1.7e308, -1.7e308, 1.0],
                asked,
                "standardize: the numbers of the training rows are so large that what is learned from them is beyond",
            )
            for asked in ("standardize", [{"impute": 0}, "standardize"])
        ],
        ([1.7e308, 1.7e308, 1.0], {"impute": "mean"}, "impute: the numbers of the training rows are so large"),
        ([1.7e308, -1.7e308, 1.0], "min_max", "so far apart that their distance is beyond float64"),
    ],
)
def test_what_the_training_rows_do_not_tell_is_refused(folder: Folder, column: Any, asked: Any, what: str) -> None:
    folder.write({"x": column, "label": [0] * len(column)})
    error = folder.error(features={"x": asked})
    assert (error.code, error.where) == ("E417", "data.features.x")
    assert what in error.what
    assert error.fix


@pytest.mark.parametrize(
    ("column", "asked", "value"),
    [
        ([[3_000_000_000, 1], [2], [1], [1]], {"pad": 2}, "3000000000 in row 0"),
        ([[1], [2], [1], [-(2**40), 1]], {"pad": 1}, "-1099511627776 in row 3"),
        ([[1, 1], [2], [1], [1]], {"pad": {"length": 2, "value": 5e9}}, "5000000000 in row 1"),
    ],
)
def test_padded_whole_numbers_beyond_32_bits_are_refused(folder: Folder, column: Any, asked: Any, value: str) -> None:
    """As those of a column without operations are."""
    folder.write({"x": column, "label": LABEL})
    error = folder.error(features={"x": asked})
    assert error.code == "E424"
    assert f"column 'x' has {value}, which does not fit into 32 bits" in error.what


def test_unseen_categories_are_others_or_an_error(folder: Folder) -> None:
    folder.write({"x": TEXT, "label": LABEL})
    folder.write({"x": ["z", "a", "y"], "label": [0, 1, 1]}, "validation.parquet")
    dataset = folder.read(validation="validation.parquet", features={"x": "index"})
    assert dataset.validation is not None
    assert dataset.validation.features[:, 0].tolist() == [0, 1, 0]
    error = folder.error(validation="validation.parquet", features={"x": {"one_hot": {"unseen": "error"}}})
    assert "of a category that no training row has in column 'x' (2 of 3 rows); the first in row 0" in error.what
    assert error.where.endswith("validation.parquet")


def test_a_null_in_a_dictionary_is_a_null(folder: Folder) -> None:
    column = pa.DictionaryArray.from_arrays([0, 1, 0, 1], ["2024-01-01", None])
    pyarrow.feather.write_feather(pa.table({"x": column, "label": LABEL}), str(folder.path / "train.feather"))
    for asked in ("index", {"tokens": 2}, {"date_parts": ["day"]}):
        error = folder.error(train="train.feather", features={"x": asked})
        assert "null in column 'x' (2 of 4 rows); the first in row 1" in error.what
    imputed = [{"impute": "most_frequent"}, {"date_parts": ["day"]}]
    assert folder.read(train="train.feather", features={"x": imputed}).train.features.tolist() == [[1]] * 4
    table = pa.table({"x": LABEL, "label": column})
    pyarrow.feather.write_feather(table, str(folder.path / "train.feather"))
    error = folder.error(train="train.feather")
    assert "null in column 'label' (2 of 4 rows); the first in row 1" in error.what


@pytest.mark.parametrize("asked", ["index", "one_hot", {"hash": 9}, [{"impute": "most_frequent"}, "index"]])
def test_values_that_are_looked_up_may_stand_in_lists_of_one(folder: Folder, asked: Any) -> None:
    for name, lists in (
        ("train", [[3], [5], [3], [4]]),
        ("fixed", pa.array([[3], [5], [3], [4]], pa.list_(pa.int8(), 1))),
    ):
        folder.write({"x": lists, "label": LABEL}, f"{name}.parquet")
    folder.write({"x": [3, 5, 3, 4], "label": LABEL}, "plain.parquet")
    plain = folder.read(train="plain.parquet", features={"x": asked}).train.features
    for name in ("train", "fixed"):
        dataset = folder.read(train=f"{name}.parquet", features={"x": asked})
        assert dataset.train.features.tolist() == plain.tolist()
        assert folder.inspect(train=f"{name}.parquet", features={"x": asked}) == dataset.schema


def test_lists_of_one_that_lack_their_value_or_have_another_are_refused(folder: Folder) -> None:
    folder.write({"x": [[3], None, [None], [4]], "label": LABEL})
    assert "null in column 'x' (2 of 4 rows); the first in row 1" in folder.error(features={"x": "index"}).what
    folder.write({"x": [[3], [4], [], [4]], "label": LABEL})
    error = folder.error(features={"x": "index"})
    assert (error.code, "0 values in row 2" in error.what) == ("E409", True)


def test_a_picture_that_says_it_is_huge_is_not_decoded(folder: Folder) -> None:
    """The size stands in its first bytes: 40,000 x 40,000 here, and no pixels follow."""
    small = bytearray(picture(GREY))
    small[16:24] = (40_000).to_bytes(4, "big") * 2
    folder.write({"x": [bytes(small)] * 4, "label": LABEL})
    assert "no PNG or JPEG pictures" in folder.error(features={"x": {"image": [2, 2]}}).what


def test_lists_of_different_lengths_want_padding(folder: Folder) -> None:
    folder.write({"x": LIST, "label": LABEL})
    assert "lists of different lengths" in folder.error(features={"x": "standardize"}).what
    assert folder.read(features={"x": [{"pad": 2}, "standardize"]}).train.features.shape == (4, 2)
