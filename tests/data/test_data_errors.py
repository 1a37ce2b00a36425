"""What is wrong with columns and rows, each found once; what only footers must tell is asked of `inspect_data`."""

from __future__ import annotations

import datetime
import decimal
import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

import seqjobs.data.survey
from seqjobs.data.inspection.sample import read_sample
from seqjobs.errors import UnforeseenError
from seqjobs.operations.log1p import Log1p

from .conftest import Folder

LABEL = [0, 1, 2]


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_a_missing_column_suggests_the_nearest(folder: Folder) -> None:
    folder.write({"distance": LABEL, "label": LABEL})
    error = folder.inspect_error(features=["distanse"])
    assert (error.code, error.where) == ("E402", "train.parquet")
    assert "no column 'distanse'" in error.what
    assert error.fix == "did you mean 'distance'?"


def test_of_many_columns_a_few_are_named(folder: Folder) -> None:
    folder.write({f"x{index:03}": LABEL for index in range(500)} | {"label": LABEL})
    fix = folder.inspect_error(features=["distance"]).fix
    assert fix.startswith("use one of label, x000, x001, ")
    assert fix.endswith(", x018 and 481 more.")


def test_a_missing_target(folder: Folder) -> None:
    folder.write({"x": LABEL, "label": LABEL})
    assert "no column 'lable'" in folder.inspect_error(target="lable").what


def test_a_column_that_stands_twice_in_the_file(folder: Folder) -> None:
    columns = [pa.array(LABEL)] * 3
    folder.write(pa.Table.from_arrays(columns, names=["x", "x", "label"]))
    error = folder.inspect_error()
    assert (error.code, "2 columns are named 'x'" in error.what) == ("E402", True)


def test_no_column_but_the_target(folder: Folder) -> None:
    folder.write({"label": LABEL})
    assert (folder.inspect_error().code, "no column except" in folder.inspect_error().what) == ("E402", True)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (pa.array([decimal.Decimal("1.5")] * 3), "decimal128"),
        (pa.array([datetime.datetime(2020, 1, 1)] * 3), "timestamp"),
        (pa.array([datetime.date(2020, 1, 1)] * 3), "date32"),
        (pa.array([[[1]]] * 3), "list<"),
        (pa.array([{"a": 1}] * 3), "struct"),
        (pa.array([b"a"] * 3), "binary"),
        (pa.array([["a"]] * 3), "list<"),
        (pa.nulls(3), "null"),
    ],
)
def test_types_that_are_no_numbers(folder: Folder, values: pa.Array, told: str) -> None:
    folder.write({"fine": LABEL, "odd": values, "label": LABEL})
    error = folder.inspect_error()
    assert (error.code, error.where) == ("E403", "train.parquet")
    assert "column 'odd' holds no numbers" in error.what
    assert told in error.what
    assert "['fine']" in error.fix


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_string_features_say_what_would_do(folder: Folder, kind: pa.DataType) -> None:
    text = pa.array(["a", "b", "c"]).cast(kind)
    folder.write({"carrier": text, "x": LABEL, "origin": text, "label": LABEL})
    error = folder.inspect_error()
    assert error.code == "E403"
    assert "'carrier' holds strings" in error.what
    assert "(the same is true of 'origin')" in error.what
    assert "features: {'carrier': one_hot}" in error.fix
    assert "'origin'" in error.what
    assert "['x']" in error.fix
    assert folder.read(features=["x"]).train.features.shape == (3, 1)


def test_columns_with_another_kind_of_mistake_are_not_named_with_the_first(folder: Folder) -> None:
    empty = pa.array([[], [], []], pa.list_(pa.int8(), 0))
    folder.write({"carrier": ["a", "b", "c"], "empty": empty, "origin": ["a", "b", "c"], "label": LABEL})
    error = folder.inspect_error()
    assert error.code == "E403"
    assert "'carrier' holds strings (the same is true of 'origin')" in error.what
    assert "empty" not in error.what


def test_lists_of_different_lengths_name_the_first_such_row(folder: Folder) -> None:
    folder.write({"x": pa.array([[1, 2]] * 5 + [[3]]), "label": [0, 1] * 3}, row_group_size=2)
    error = folder.error()
    assert error.code == "E409"
    assert "1 values in row 5, 2 in the first row" in error.what


@pytest.mark.parametrize(("first", "code"), [([], "E409"), (None, "E408")])
def test_a_first_row_without_a_list(folder: Folder, first: list[int] | None, code: str) -> None:
    folder.write({"x": pa.array([first, [1], [2]], pa.list_(pa.int8())), "label": LABEL})
    assert (folder.inspect_error().code, "in its first row" in folder.inspect_error().what) == (code, True)


def test_validation_lists_of_another_length(folder: Folder) -> None:
    folder.write({"x": [[1, 2]] * 3, "label": LABEL})
    folder.write({"x": [[1, 2, 3]] * 3, "label": LABEL}, "v.parquet")
    error = folder.error(validation="v.parquet")
    assert (error.code, error.where) == ("E409", "v.parquet")


def test_a_shape_that_does_not_hold_the_column(folder: Folder) -> None:
    folder.write({"x": [[1, 2, 3, 4]] * 3, "label": LABEL})
    error = folder.inspect_error(features={"x": {"shape": [2, 3]}})
    assert error.code == "E416"
    assert "[2, 3] holds 6 numbers, column 'x' has 4" in error.what


def test_a_shape_among_several_columns_says_why_not(folder: Folder) -> None:
    folder.write({"x": [[1, 2, 3, 4]] * 3, "y": LABEL, "label": LABEL})
    error = folder.inspect_error(features={"x": {"shape": [2, 2]}, "y": {}})
    assert (error.code, "several feature columns are joined" in error.what) == ("E416", True)
    assert folder.inspect(features={"x": {"shape": [4]}, "y": {}}).feature_shape == (5,)


def test_a_factor_that_float32_does_not_hold(folder: Folder) -> None:
    folder.write({"x": LABEL, "label": LABEL})
    assert "beyond float32" in folder.inspect_error(features={"x": {"rescale": 1e300}}).what


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint32(), pa.uint64()])
def test_integer_features_beyond_32_bits(folder: Folder, kind: pa.DataType) -> None:
    folder.write({"id": pa.array([1, 3_000_000_000, 2], kind), "label": LABEL})
    error = folder.error()
    assert error.code == "E424"
    assert "column 'id' has 3000000000 in row 1" in error.what


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"x": [1.5], "label": [1]}, "column 'x' is int64 in the first, double in the second"),
        ({"x": ["a"], "label": [1]}, "column 'x' is int64 in the first, str in the second"),
        ({"y": [1], "label": [1]}, "column 'x' is only in the first"),
        ({"x": [1], "y": [1], "label": [1]}, "column 'y' is only in the second"),
    ],
)
@pytest.mark.parametrize("as_validation", [False, True])
def test_files_that_differ_are_both_named(
    folder: Folder, other: dict[str, list[object]], difference: str, as_validation: bool
) -> None:
    folder.write({"x": [1], "label": [1]}, "a.parquet")
    folder.write(other, "b.parquet")
    spec = {"train": "a.parquet", "validation": "b.parquet"} if as_validation else {"train": ["a.parquet", "b.parquet"]}
    error = folder.inspect_error(**spec)
    assert error.code == "E404"
    assert "a.parquet and b.parquet" in error.what
    assert difference.replace("double", "float64") in error.what


def test_files_may_differ_in_columns_that_are_not_used(folder: Folder) -> None:
    folder.write({"x": [1], "note": ["a"], "label": [1]}, "a.parquet")
    folder.write({"x": [1], "label": [1]}, "b.parquet")
    assert folder.inspect(train=["a.parquet", "b.parquet"], features=["x"]).train_rows == 2


@pytest.mark.parametrize("split", ["train", "validation"])
def test_no_rows(folder: Folder, split: str) -> None:
    folder.write({"x": [1], "label": [1]})
    folder.write({"x": pa.array([], pa.int64()), "label": pa.array([], pa.int64())}, "empty.parquet")
    error = folder.inspect_error(**{split: "empty.parquet"})
    assert (error.code, error.where) == ("E406", f"data.{split}")
    assert "no rows in empty.parquet" in error.what


@pytest.mark.parametrize(
    "values",
    [pa.array([1, None, 2]), pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
     pa.array([[1, 2], [3, None], [3, 4]]), pa.array([0.5, None, 1.5])],
)  # fmt: skip
def test_null_features_never_pass(folder: Folder, values: pa.Array) -> None:
    folder.write({"x": values, "label": LABEL})
    error = folder.error()
    assert (error.code, error.where) == ("E408", "train.parquet")
    assert "values are null in column 'x' (1 of 3 rows); the first in row 1" in error.what


def test_a_row_is_numbered_from_the_start_of_its_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqjobs.data.survey, "MAX_BATCH_ROWS", 4)
    folder.write({"x": range(20), "label": range(20)}, "d/1.parquet")
    folder.write({"x": [*range(13), None, *range(6)], "label": range(20)}, "d/2.parquet", row_group_size=5)
    error = folder.error(train="d")
    assert (error.where, "row 13" in error.what) == ("d/2.parquet", True)


def test_lists_without_values(folder: Folder) -> None:
    folder.write({"x": pa.array([[], [], []], pa.list_(pa.int8(), 0)), "label": LABEL})
    assert (folder.inspect_error().code, "lists of column 'x' are empty" in folder.inspect_error().what) == (
        "E409",
        True,
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_features_that_are_not_finite_are_counted_in_every_column(folder: Folder, bad: float) -> None:
    folder.write(
        {"x": [bad, 1.0, bad], "y": [1.0, 2.0, 3.0], "z": [[1.0, 2.0], [bad, bad], [3.0, 4.0]], "label": LABEL}
    )
    error = folder.error()
    assert error.code == "E431"
    assert "NaN or infinite in column 'x' (2 of 3 rows), 'z' (1 of 3 rows); the first in row 0" in error.what


NOT_UTF8 = pa.Array.from_buffers(
    pa.binary(), 3, [None, pa.py_buffer(np.array([0, 1, 2, 4], np.int32)), pa.py_buffer(b"a\xe4bc")]
)


@pytest.mark.parametrize("suffix", ["parquet", "feather", "orc", "jsonl"])
@pytest.mark.parametrize("column", ["x", "label"])
def test_text_that_is_not_utf8_is_named_with_its_column_and_row(folder: Folder, suffix: str, column: str) -> None:
    path = folder.path / f"train.{suffix}"
    kind = pa.dictionary(pa.int8(), pa.string()) if suffix == "feather" else pa.string()
    text = NOT_UTF8.view(pa.string())
    table = pa.table({"x": text if column == "x" else LABEL, "label": text if column == "label" else LABEL})
    if kind != pa.string():
        index = table.schema.get_field_index(column)
        table = table.set_column(index, column, pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int8()), text))
    writers = {"parquet": pq.write_table, "feather": pyarrow.feather.write_feather, "orc": pyarrow.orc.write_table}
    if suffix == "jsonl":
        rows = [f'{{"x": {x}, "label": {label}}}\n'.encode() for x, label in _written(column)]
        path.write_bytes(b"".join(rows).replace(b"?", b"\xe4"))
    else:
        writers[suffix](table, str(path))
    error = folder.error(train=path.name, features={"x": "one_hot"} if column == "x" else ["x"])
    assert (error.code, error.where) == ("E410", path.name)
    assert error.what == f"column '{column}' has text that is not UTF-8 in row 1"
    assert error.fix


def _written(column: str) -> list[tuple[str, str]]:
    texts = ['"a"', '"?"', '"bc"']
    return [(text, str(row)) if column == "x" else (str(row), text) for row, text in enumerate(texts)]


def test_a_column_of_wrong_text_that_is_not_used_keeps_nobody_from_training(folder: Folder) -> None:
    folder.write({"x": [1.0, 2.0, 3.0], "junk": NOT_UTF8.view(pa.string()), "label": LABEL})
    assert folder.read(features=["x"]).train.features.shape == (3, 1)
    sample = read_sample(folder.source(features=["x"]).spec, folder.path)
    assert sample.rows["junk"].to_pylist() == ["a", "\N{REPLACEMENT CHARACTER}", "bc"]


def test_a_time_that_arrow_cannot_read_from_orc_is_told(folder: Folder) -> None:
    times = pa.array([datetime.datetime(2024, 1, 1), datetime.datetime(9999, 12, 31), None])
    pyarrow.orc.write_table(pa.table({"x": times, "label": LABEL}), str(folder.path / "train.orc"))
    error = folder.error(train="train.orc", features={"x": {"date_parts": ["year"]}})
    assert (error.code, error.where) == ("E410", "train.orc")
    assert "a time is before 1677 or after 2262" in error.what


def test_a_bug_names_what_was_done_with_which_column_of_which_file(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write({"x": [1.0, 2.0, 3.0], "label": LABEL})
    nothing: dict[str, object] = {}
    monkeypatch.setattr(Log1p, "apply", lambda *_: nothing["nothing"])
    with pytest.raises(UnforeseenError) as caught:
        folder.read(features={"x": "log1p"})
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.code, error.where, error.exit_code) == ("E529", "train.parquet", 70)
    assert error.what.endswith("KeyError: 'nothing', while column 'x' was prepared")
    assert "Traceback (most recent call last)" in error.trace


def test_the_largest_floats_are_finite(folder: Folder) -> None:
    folder.write({"x": [1e38, -1e38, 3e38], "label": LABEL})
    assert folder.read().train.features.max() == np.float32(3e38)


def test_more_rows_than_memory(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write({"x": [[1.0] * 100] * 3, "label": LABEL})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1211))
    error = folder.error()
    assert error.code == "E413"
    assert "3 rows need 1.18 KiB of memory" in error.what
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1212))
    assert folder.read().train.features.nbytes == 1200


def test_memory_that_is_refused_although_it_was_free(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write({"x": [1.0, 2.0, 3.0], "label": LABEL})

    def refuse(*_: object) -> object:
        raise MemoryError("Unable to allocate 3.73 GiB")

    monkeypatch.setattr(seqjobs.data.read, "FeatureArray", refuse)
    error = folder.error()
    assert (error.code, error.where) == ("E413", "train.parquet")
    assert "decoding 3 rows, which need 24 B of memory, takes more than is free" in error.what


def test_extension_types_are_refused_and_nothing_is_unpickled(folder: Folder) -> None:
    trap = folder.path / "trap"
    metadata = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Trap(trap)),
    }
    schema = pa.schema([pa.field("x", pa.int64(), metadata=metadata), pa.field("label", pa.int64())])
    folder.write(pa.Table.from_arrays([pa.array(LABEL), pa.array(LABEL)], schema=schema))
    error = folder.inspect_error()
    assert error.code == "E414"
    assert "arrow.py_extension_type" in error.what
    assert not trap.exists()


def test_tensors_with_permuted_axes_are_refused(folder: Folder) -> None:
    kind = pa.fixed_shape_tensor(pa.float32(), [2, 3], permutation=[1, 0])
    storage = pa.array([[1.0] * 6] * 3, pa.list_(pa.float32(), 6))
    folder.write({"t": pa.ExtensionArray.from_storage(kind, storage), "label": LABEL})
    assert (folder.inspect_error().code, "permuted" in folder.inspect_error().what) == ("E403", True)


def test_errors_cross_processes_whole_and_never_carry_control_characters(folder: Folder) -> None:
    folder.write({"x\x1b[31m": ["a"] * 3, "label": LABEL})
    error = folder.inspect_error()
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.code, again.where, again.fix) == (str(error), error.code, error.where, error.fix)
    assert "\x1b" not in str(folder.inspect_error())
    assert "\x1b" not in str(folder.inspect_error(features=["y"]))


def test_files_with_and_without_a_null_among_the_values_of_a_dictionary_are_one_column(folder: Folder) -> None:
    (folder.path / "parts").mkdir()
    for name, values in (("0", ["a", "b", "a"]), ("1", ["b", "a", None])):
        column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), values)
        table = pa.table({"x": column, "label": LABEL})
        pyarrow.feather.write_feather(table, str(folder.path / "parts" / f"{name}.feather"))
    dataset = folder.read(train="parts", features={"x": "one_hot"})
    assert dataset.train.features[:, 1:].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0], [0, 1]]
