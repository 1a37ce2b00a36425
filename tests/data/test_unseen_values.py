"""Values that the training rows did not have are counted by column, in all formats alike."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from seqjobs.data.new_features import new_layout
from seqjobs.data.place import Place
from seqjobs.data.unseen_values import UnseenValues, unseen_values

from .conftest import Folder

PLACE = Place(path="new.parquet", first_row=0)


def found(folder: Folder, column: list[Any], new: pa.Array, asked: Any) -> UnseenValues | None:
    folder.write({"x": column, "label": [0.5, 1.5, 2.5]})
    dataset = folder.read(features={"x": asked})
    batch = pa.record_batch({"x": new})
    layout = new_layout(dataset.preparation, batch.schema, PLACE.path)
    return unseen_values(layout, batch, PLACE).get("x")


@pytest.mark.parametrize(
    ("column", "new", "asked", "values", "rows"),
    [
        (["a", "b", "a"], pa.array(["a", "c", "d", "c"]), "one_hot", {"c", "d"}, 3),
        (["a", "b", "a"], pa.array(["a", "c", "c"]).dictionary_encode(), "index", {"c"}, 2),
        ([1, 2, 1], pa.array([1, 3, 3, 4]), "index", {"3", "4"}, 3),
        ([1, 2, 1], pa.array([1.0, 3.0]), "one_hot", {"3"}, 1),
        (["a", None, "a"], pa.array([None, "b"]), [{"impute": "most_frequent"}, "one_hot"], {"b"}, 1),
        (["a", "b", "a"], pa.array(["a", "b"]), [{"one_hot": {"max": 1}}], {"b"}, 1),
    ],
)
def test_values_and_their_rows_are_counted(
    folder: Folder, column: list[Any], new: pa.Array, asked: Any, values: set[str], rows: int
) -> None:
    assert found(folder, column, new, asked) == UnseenValues(values=frozenset(values), rows=rows)


@pytest.mark.parametrize(
    ("new", "asked"),
    [
        (pa.array(["a", "b"]), "one_hot"),
        (pa.array(["a", "c"]), {"hash": 8}),
        (pa.array(["a", "c"]), {"one_hot": {"unseen": "error"}}),
    ],
)
def test_a_column_without_unseen_values_is_left_out(folder: Folder, new: pa.Array, asked: Any) -> None:
    assert found(folder, ["a", "b", "a"], new, asked) is None


def test_counts_of_batches_add_up() -> None:
    first = UnseenValues(values=frozenset({"a", "b"}), rows=5)
    assert first.merge(UnseenValues(values=frozenset({"b", "c"}), rows=2)) == UnseenValues(
        values=frozenset({"a", "b", "c"}), rows=7
    )
