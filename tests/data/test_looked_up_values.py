"""A value that is looked up is the same category in every type and format, or it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc

from seqjobs.data.new_features import new_features, new_layout
from seqjobs.data.new_rows import NewRows, new_source
from seqjobs.data.tally import Tally
from seqjobs.errors import DataError

from .conftest import Folder


def write_json(table: pa.Table, path: Path) -> None:
    def text(value: Any) -> str:
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        return f'"{value}"' if isinstance(value, str) else str(value)

    narrow = pa.types.is_float32(table["x"].type)
    rows = [
        [str(np.float32(value)) if narrow else text(value) for value in column] for column in table.to_pydict().values()
    ]
    lines = (
        "{" + ", ".join(f'"{name}": {row}' for name, row in zip(table.column_names, found, strict=True)) + "}\n"
        for found in zip(*rows, strict=True)
    )
    path.write_text("".join(lines))


WRITERS: dict[str, Any] = {
    "csv": pacsv.write_csv,
    "jsonl": write_json,
    "parquet": pq.write_table,
    "feather": lambda table, path: feather.write_feather(table, str(path)),
    "orc": orc.write_table,
}


def made(folder: Folder, trained: pa.Array, new: pa.Array, asked: Any, suffix: str) -> tuple[list[Any], list[Any]]:
    """Return the features of training, and those of new rows. Raises DataError if the new rows are refused."""
    folder.write({"x": trained, "label": np.arange(len(trained)) + 0.5})
    spec: Mapping[str, Any] = {"features": {"x": asked}}
    dataset = folder.read(**spec)
    WRITERS[suffix](pa.table({"x": new, "other": np.arange(len(new))}), folder.path / f"new.{suffix}")
    rows = NewRows.find(new_source(folder.source(**spec), [f"new.{suffix}"], folder.path), dataset.preparation)
    found, tally = [], Tally()
    for batch, place in rows.batches():
        layout = new_layout(dataset.preparation, batch.schema, place.path)
        found += new_features(layout, batch, place, tally).tolist()
    tally.check(rows.rows)
    return dataset.train.features.tolist(), found


NARROW = pa.array([0.1, 0.7, 3.0], pa.float32())
SAME = {
    "booleans as 0 and 1": ([True, False, True], [1, 0, 1]),
    "booleans as floats": ([True, False, True], [1.0, 0.0, 1.0]),
    "booleans as words": ([True, False, True], ["true", "False", "1"]),
    "0 and 1 as booleans": ([1, 0, 1], [True, False, True]),
    "0.0 and 1.0 as booleans": ([1.0, 0.0, 0.5], [True, False, None]),
    "numbers as texts": ([3, 1, 2**60 + 1], ["3", "01", str(2**60 + 1)]),
    "fractions as texts": ([0.5, 3.0, 1e300], ["0.5", "3", "1e300"]),
    "large numbers": (pa.array([2**64 - 1, 3, 5], pa.uint64()), pa.array([2**64 - 1, 3, 5], pa.uint64())),
    "narrow numbers": (pa.array([1, 2, -3], pa.int8()), pa.array([1, 2, -3], pa.int64())),
    "float32 as float64": (NARROW, pa.array([0.1, 0.7, 3.0])),
    "float64 as float32": (pa.array([0.1, 0.7, 3.0]), NARROW),
    "float32 kept in float64": (NARROW, NARROW.cast(pa.float64())),
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("case", SAME)
def test_the_same_value_is_the_same_category(folder: Folder, case: str, suffix: str) -> None:
    trained, new = (pa.array(column) for column in SAME[case])
    if suffix == "orc" and pa.types.is_uint64(new.type):
        pytest.skip("ORC has no such type")
    asked: list[Any] = ["index", "one_hot", {"hash": 10_007}]
    if case != "float64 as float32" or suffix in ("csv", "jsonl"):
        asked.append({"hash": 10_007})  # a hash cannot know that other bits are the same number
    if new.null_count:
        asked = [[{"impute": 0.5}, operation] for operation in asked]
    for operation in asked[:-1] if case == "float64 as float32" else asked:
        expected, found = made(folder, trained, new, operation, suffix)
        assert found == expected, operation


REFUSED = {
    "another number than 0 and 1": ([True, False], [0, 2], "index", "neither 0 nor 1"),
    "a word that is no boolean": ([True, False], ["true", "yes"], "one_hot", "neither 0 nor 1"),
    "a text that is no whole number": ([3, 1], ["3", "x"], "index", "no whole numbers"),
    "a text with a fraction": ([3, 1], ["3", "3.5"], {"hash": 9}, "no whole numbers"),
    "a text that is no number": ([0.5, 1.0], ["0.5", "x"], "index", "no numbers"),
    "a number where texts were hashed": (["007", "8"], [7, 8], {"hash": 9}, "the model was trained on str"),
    "a large float": ([2**53, 1], [1.0, 2.0**53], "index", "have lost digits"),
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("case", REFUSED)
def test_a_value_without_a_counterpart_is_refused(folder: Folder, case: str, suffix: str) -> None:
    trained, new, asked, words = REFUSED[case]
    if suffix == "csv" and ("text" in case or "large" in case):
        pytest.skip("CSV has no types")
    if case == "a number where texts were hashed" and suffix == "csv":
        return
    with pytest.raises(DataError) as caught:
        made(folder, pa.array(trained), pa.array(new), asked, suffix)
    assert words in caught.value.what
    assert caught.value.code in ("E420", "E424")
    assert caught.value.fix


@pytest.mark.parametrize("suffix", ["parquet", "feather", "orc"])
def test_a_float32_may_stand_for_float64_but_not_in_a_hash(folder: Folder, suffix: str) -> None:
    with pytest.raises(DataError, match="fractions of fewer bits than the ones that training hashed"):
        made(folder, pa.array([0.1, 3.0]), pa.array([0.1, 3.0], pa.float32()), {"hash": 9}, suffix)
