"""Rows that came after training: other types of the same values give the same features, or an error."""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pytest

from seqjobs.data.new_features import new_features, new_layout
from seqjobs.data.new_rows import KeptColumns, NewRows, new_source
from seqjobs.data.place import Place
from seqjobs.data.tally import Tally
from seqjobs.errors import DataError
from seqjobs.results.prediction_file import PredictionFile

from .conftest import Folder

NOON = [datetime(2024, 7, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 23, tzinfo=UTC)]
CLOCK = [time.replace(tzinfo=None) for time in NOON]
TEXT = [time.isoformat() for time in CLOCK]
ROME, NEW_YORK, UTC_ZONE, NO_ZONE = (
    pa.timestamp("us", "Europe/Rome"),
    pa.timestamp("ms", "America/New_York"),
    pa.timestamp("ns", "UTC"),
    pa.timestamp("us"),
)


def _new_rows(
    folder: Folder, trained: pa.Array, new: pa.Array, asked: Any, tally: Tally
) -> tuple[list[Any], list[Any]]:
    """Return the features of training, and those of rows that came later."""
    folder.write({"x": trained, "label": [0.5, 1.5]})
    dataset = folder.read(features={"x": asked})
    batch = pa.record_batch({"x": new})
    layout = new_layout(dataset.preparation, batch.schema, "new.parquet")
    made = new_features(layout, batch, Place(path="new.parquet", first_row=0), tally)
    return dataset.train.features.tolist(), made.tolist()


def _good_rows(folder: Folder, trained: pa.Array, new: pa.Array, asked: Any) -> tuple[list[Any], list[Any]]:
    tally = Tally()
    found = _new_rows(folder, trained, new, asked, tally)
    assert not tally
    return found


@pytest.mark.parametrize("zone", [UTC_ZONE, NEW_YORK, ROME])
@pytest.mark.parametrize("asked", [{"date_parts": ["hour", "day"]}, {"cyclic": "hour"}])
def test_the_same_instants_in_another_zone_are_the_same_features(folder: Folder, zone: pa.DataType, asked: Any) -> None:
    trained, found = _good_rows(folder, pa.array(NOON, ROME), pa.array(NOON, zone), asked)
    assert found == trained
    if "date_parts" in asked:
        assert found == [[14, 1], [0, 2]]


@pytest.mark.parametrize(
    ("trained", "new", "fix"),
    [
        (pa.array(NOON, ROME), pa.array(CLOCK, NO_ZONE), "in Europe/Rome"),
        (pa.array(CLOCK, NO_ZONE), pa.array(NOON, UTC_ZONE), "without a time zone"),
        (pa.array(NOON, ROME), pa.array(TEXT), "in Europe/Rome"),
        (pa.array(TEXT), pa.array(NOON, ROME), "without a time zone"),
        (pa.array(NOON, ROME), pa.array(CLOCK, pa.date32()), "in Europe/Rome"),
    ],
)
def test_a_zone_against_none_is_refused(folder: Folder, trained: pa.Array, new: pa.Array, fix: str) -> None:
    with pytest.raises(DataError, match=r"time zone.*the model was trained on .*time zone.*\[E420\]") as caught:
        _good_rows(folder, trained, new, {"date_parts": ["hour"]})
    assert fix in caught.value.fix


def test_times_without_a_zone_may_be_text(folder: Folder) -> None:
    trained, found = _good_rows(folder, pa.array(CLOCK, NO_ZONE), pa.array(TEXT), {"date_parts": ["hour"]})
    assert found == trained == [[12], [23]]


BYTES = (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(1))
WHOLE = pa.array([3, 1])


@pytest.mark.parametrize(
    "asked", ["index", "one_hot", {"hash": 9}, [{"impute": "most_frequent"}, "index"], [{"impute": 3}, {"hash": 9}]]
)
@pytest.mark.parametrize("new", [[1.0, 3.5], pa.array([1.0, 3.5], pa.float32())])
def test_a_fraction_where_whole_numbers_were_looked_up_is_refused(folder: Folder, asked: Any, new: Any) -> None:
    tally = Tally()
    _new_rows(folder, WHOLE, pa.array(new), asked, tally)
    with pytest.raises(
        DataError,
        match=r"fractions, but training looked up whole numbers, in column 'x' \(1 of 2 rows\); the first in row 1",
    ):
        tally.check(2)


@pytest.mark.parametrize("asked", ["index", {"hash": 9}, [{"impute": "most_frequent"}, "one_hot"]])
def test_whole_numbers_may_be_stored_as_floats(folder: Folder, asked: Any) -> None:
    trained, found = _good_rows(folder, WHOLE, pa.array([3.0, 1.0]), asked)
    assert found == trained


@pytest.mark.parametrize("asked", ["standardize", [{"bucketize": [2]}, "one_hot"]])
def test_fractions_are_numbers_to_other_operations(folder: Folder, asked: Any) -> None:
    trained, found = _good_rows(folder, pa.array([4, 1]), pa.array([4.0, 1.5]), asked)
    assert (found == trained) == (asked != "standardize")


def test_what_is_missing_or_infinite_is_no_fraction(folder: Folder) -> None:
    tally = Tally()
    _new_rows(folder, WHOLE, pa.array([None, math.inf]), "index", tally)
    with pytest.raises(DataError, match="values are NaN or infinite"):
        tally.check(2)


def test_text_of_any_type_can_be_kept(folder: Folder) -> None:
    """Written as CSV, where bytes have no place."""
    folder.write({"x": [1.0, 2.0], "label": [0.5, 1.5]})
    preparation = folder.read().preparation
    words = ["a", None]
    kinds = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()))
    texts = {f"text{index}": pa.array(words, kind) for index, kind in enumerate(kinds)}
    bytes_ = {f"bytes{index}": pa.array([b"\xff", None], kind) for index, kind in enumerate(BYTES)}
    new = pa.table({"x": [1.0, 2.0], **texts, **bytes_})
    pyarrow.feather.write_feather(new, str(folder.path / "new.feather"))
    rows = NewRows.find(new_source(folder.source(), ["new.feather"], folder.path), preparation, [*texts, *bytes_])
    ((batch, _),) = rows.batches()
    written = io.BytesIO()
    with PredictionFile(written, is_csv=True) as file:
        file.write(KeptColumns(rows, list(texts)).of(batch), {"prediction": pa.array([1.0, 2.0])})
    assert pyarrow.csv.read_csv(io.BytesIO(written.getvalue())).to_pylist() == [
        {**dict.fromkeys(texts, "a"), "prediction": 1.0},
        {**dict.fromkeys(texts, ""), "prediction": 2.0},
    ]
    for name in bytes_:
        with PredictionFile(io.BytesIO(), is_csv=True) as file, pytest.raises(DataError, match=rf"{name}.*\[E423\]"):
            file.write(KeptColumns(rows, [name]).of(batch), {"prediction": pa.array([1.0, 2.0])})
