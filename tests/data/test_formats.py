"""The formats of data files: the same rows give the same dataset, whatever they are written as."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from pyarrow import feather, orc

from seqjobs.data.dataset import Dataset
from seqjobs.errors import DataError

from .conftest import Folder

RANDOM = np.random.default_rng(7)
ROWS = 1_000
TABLE = pa.table(
    {
        "x": RANDOM.normal(size=ROWS),
        "single": RANDOM.normal(size=ROWS).astype(np.float32),
        "n": RANDOM.integers(-(2**31), 2**31, ROWS, dtype=np.int64),
        "yes": RANDOM.integers(0, 2, ROWS).astype(bool),
        "label": RANDOM.choice(["café", "0", 'a "quoted", text', "null"], ROWS),
    }
)
LISTS = pa.table(
    {"pixels": pa.array(RANDOM.integers(0, 256, (ROWS, 4)).tolist(), pa.list_(pa.int64())), "label": TABLE["label"]}
)


def json_lines(table: pa.Table, path: Path) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()), "utf-8")


def compressed(
    write: Callable[[pa.Table, Path], Any], with_: Callable[[bytes], bytes]
) -> Callable[[pa.Table, Path], Any]:
    def written(table: pa.Table, path: Path) -> None:
        write(table, path)
        path.write_bytes(with_(path.read_bytes()))

    return written


def arrow_stream_of(kind: str) -> Callable[[bytes], bytes]:
    def compress(content: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, kind) as stream:
            stream.write(content)
        return bytes(sink.getvalue())

    return compress


WRITERS: Mapping[str, Callable[[pa.Table, Path], Any]] = {
    "rows.feather": lambda table, path: feather.write_feather(table, path, chunksize=300),
    "rows.arrow": lambda table, path: feather.write_feather(table, path, compression="zstd"),
    "rows.orc": lambda table, path: orc.write_table(table, path, stripe_size=4_096),
    "rows.csv": pacsv.write_csv,
    "rows.csv.gz": compressed(pacsv.write_csv, gzip.compress),
    "rows.csv.bz2": compressed(pacsv.write_csv, bz2.compress),
    "ROWS.CSV.ZST": compressed(pacsv.write_csv, arrow_stream_of("zstd")),
    "rows.jsonl": json_lines,
    "rows.ndjson.gz": compressed(json_lines, gzip.compress),
}


def assert_same(found: Dataset, expected: Dataset) -> None:
    np.testing.assert_array_equal(found.train.features, expected.train.features)
    np.testing.assert_array_equal(found.train.target, expected.train.target)
    assert found.classes == expected.classes
    assert found.fingerprint == expected.fingerprint


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_rows_are_the_same_dataset(folder: Folder, name: str) -> None:
    folder.write(TABLE)
    WRITERS[name](TABLE, folder.path / name)
    assert_same(folder.read(train=name), folder.read())


@pytest.mark.parametrize("name", [name for name in WRITERS if "csv" not in name.lower()])
def test_lists_are_the_same_lists(folder: Folder, name: str) -> None:
    folder.write(LISTS)
    WRITERS[name](LISTS, folder.path / name)
    assert_same(folder.read(train=name, features=["pixels"]), folder.read(features=["pixels"]))


def test_shards_may_be_of_several_formats(folder: Folder) -> None:
    folder.write(TABLE)
    (folder.path / "d").mkdir()
    folder.write(TABLE[:400], "d/a.parquet")
    pacsv.write_csv(TABLE[400:700], folder.path / "d" / "b.csv")
    feather.write_feather(TABLE[700:], folder.path / "d" / "c.feather")
    assert_same(folder.read(train="d", features=["x", "n"]), folder.read(features=["x", "n"]))


@pytest.mark.parametrize("late", ["2.5", "1e3", "-0.125"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_a_column_may_show_late_that_it_is_no_whole_number(folder: Folder, name: str, late: str) -> None:
    # Beyond the first block, by which types are guessed.
    values = [str(number) for number in range(400_000)] + [late]
    write_text(folder.path / name, {"x": values, "label": ["1", "0"] * 200_000 + ["1"]})
    found = folder.read(train=name)
    assert found.train.features.dtype == np.float32
    assert found.train.features[-1, 0] == float(late)
    assert found.train.target.dtype == np.int32


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_shards_of_text_are_of_the_widest_type(folder: Folder, name: str) -> None:
    first, second = (folder.path / f"{number}-{name}" for number in (1, 2))
    write_text(first, {"x": ["1", "2"], "label": ["0", "1"]})
    write_text(second, {"x": ["0.5", "4"], "label": ["1", "1"]})
    found = folder.read(train=f"*-{name}")
    assert found.train.features[:, 0].tolist() == [1.0, 2.0, 0.5, 4.0]


def write_text(path: Path, columns: Mapping[str, list[str]]) -> None:
    """Columns of numbers, as they are written."""
    rows = list(zip(*columns.values(), strict=True))
    if path.suffix == ".csv":
        path.write_text("\n".join(map(",".join, [tuple(columns), *rows])) + "\n")
    else:
        lines = (", ".join(f'"{name}": {value}' for name, value in zip(columns, row, strict=True)) for row in rows)
        path.write_text("".join(f"{{{line}}}\n" for line in lines))


def test_types_are_as_the_spec_has_them(folder: Folder) -> None:
    (folder.path / "rows.csv").write_text("pixel,label\n1,007\n255,7\n3,007\n")
    found = folder.read(train="rows.csv", types={"pixel": "uint8", "label": "string"})
    assert found.train.features.dtype == np.uint8
    assert found.classes == ("007", "7")


def test_csv_as_it_is_written_elsewhere(folder: Folder) -> None:
    (folder.path / "rows.csv").write_bytes("größe;label\n1,5;ä\n-2,25;b\n".encode("latin-1"))
    found = folder.read(train="rows.csv", csv={"delimiter": ";", "decimal_point": ",", "encoding": "latin-1"})
    assert found.train.features[:, 0].tolist() == [1.5, -2.25]
    assert found.classes == ("b", "ä")
    (folder.path / "rows.tsv").write_text('x\tlabel\n1\t"two\nlines"\n2\tb\n')
    assert folder.read(train="rows.tsv").classes == ("b", "two\nlines")


@pytest.mark.parametrize(
    ("name", "text", "spec", "code", "phrase"),
    [
        ("a.csv", "x,label\n1,0\n,1\n", {}, "E408", "null in column 'x' (1 of 2 rows)"),
        ("a.csv", "x,label\n1,a\n2,\n3,b\n", {}, "E408", "null in column 'label' (1 of 3 rows)"),
        ("a.csv", "x,label\n1,a\n2,\"\"\n3,b\n", {}, "E408", "null in column 'label' (1 of 3 rows)"),
        ("a.csv", "x,label\n1,0\n2\n", {}, "E411", "Expected 2 columns, got 1: 2"),
        ("a.csv", "", {}, "E406", "empty"),
        ("a.csv", "x,label\n", {}, "E406", "there are no rows"),
        ("a.csv", "x,x,label\n1,2,3\n", {}, "E402", "2 columns are named 'x'"),
        ("a.csv", "x;label\n1;2\n", {}, "E402", "no column 'label'"),
        ("a.csv", "x,label\n1,\xff\n", {"csv": {"encoding": "utf-16"}}, "E411", "the text is not utf-16"),
        ("a.csv", "x,label\n300,1\n", {"types": {"x": "uint8"}}, "E410", "which is not uint8, the type in data."),
        ("a.csv", "x,label\n300,1\n", {"types": {"y": "uint8"}}, "E402", "data.types has column 'y'"),
        ("a.jsonl", "", {}, "E406", "empty"),
        ("a.jsonl", '{"x": 1, "label": 0}\n{"x": "1", "label": 1}\n', {}, "E410", "a string where other rows have"),
        ("a.jsonl", '[{"x": 1, "label": 0}]\n', {}, "E411", "changed from object to array"),
        ("a.jsonl", '{"x": 1, "label": 0', {}, "E411", "JSON parse error"),
        ("a.jsonl", '{"x": 1, "label": 0}\n{"x": null, "label": 1}\n', {}, "E408", "null in column 'x'"),
        ("a.feather", "no arrow", {}, "E411", "not a complete Arrow IPC"),
        ("a.orc", "no orc", {}, "E411", "not a complete ORC file"),
        ("a.parquet", "", {"types": {"x": "uint8"}}, "E411", "not a complete Parquet file"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told(
    folder: Folder, name: str, text: str, spec: dict[str, Any], code: str, phrase: str
) -> None:
    (folder.path / name).write_bytes(text.encode("latin-1" if "\xff" in text else "utf-8"))
    error = folder.error(train=name, **spec)
    assert (error.code, phrase in error.what) == (code, True), error.what
    assert error.where.startswith((name, "data."))
    assert error.fix


@pytest.mark.parametrize(
    ("content", "spec", "fix"),
    [
        (b"x;label\n1;2\n", {}, '{delimiter: ";"}'),
        (b"x;label\n1,5;2\n", {}, '{delimiter: ";"}'),
        (b"x\tlabel\n1\t2\n", {}, '{delimiter: "\\t"}'),
        (b"x,label\n1,2\n", {"csv": {"delimiter": ";"}}, '{delimiter: ","}'),
        ("x,label\n1,ä\n".encode("latin-1"), {}, "{encoding: latin-1}"),
        ("x,label\n1,ä\n".encode("utf-16"), {}, "{encoding: utf-16}"),
        ("x,label\n1,ä\n".encode(), {"csv": {"encoding": "utf-16"}}, "{encoding: utf-8}"),
    ],
)  # fmt: skip
def test_a_csv_that_is_written_in_another_way_says_how_to_read_it(
    folder: Folder, content: bytes, spec: dict[str, Any], fix: str
) -> None:
    (folder.path / "a.csv").write_bytes(content)
    error = folder.error(train="a.csv", **spec)
    assert (error.code in ("E402", "E411"), error.where) == (True, "a.csv")
    assert f"write data.csv: {fix}" in error.fix
    # The fix works: other options stay as they are.
    key, _, value = fix.strip("{}").partition(": ")
    csv = {**spec.get("csv", {}), key: json.loads(value) if value.startswith('"') else value}
    assert "data.csv" not in folder.error(train="a.csv", target="none", csv=csv).fix


def test_types_are_not_for_files_that_have_their_own(folder: Folder) -> None:
    folder.write(TABLE)
    assert folder.error(types={"x": "float32"}).code == "E209"


@pytest.mark.parametrize("name", ["rows.feather", "rows.orc"])
def test_a_file_cut_off_or_changed_anywhere_is_read_or_refused(folder: Folder, name: str) -> None:
    WRITERS[name](TABLE, folder.path / name)
    whole = (folder.path / name).read_bytes()
    codes = []
    for place in range(0, len(whole), len(whole) // 150):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]):
            (folder.path / name).write_bytes(damaged)
            try:
                folder.read(train=name)
            except DataError as error:  # any other ends the test
                codes.append(error.code)
    assert codes.count("E411") >= 150


@pytest.mark.parametrize("name", ["rows.feather", "rows.orc"])
def test_a_column_whose_name_is_no_text_is_refused(folder: Folder, name: str) -> None:
    table = TABLE.append_column("amount", TABLE["x"])
    if name == "rows.orc":
        orc.write_table(table, folder.path / name, compression="uncompressed")
    else:
        feather.write_feather(table, folder.path / name, compression="uncompressed")
    content = (folder.path / name).read_bytes()
    assert b"amount" in content
    (folder.path / name).write_bytes(content.replace(b"amount", b"amo\xffnt"))
    assert folder.error(train=name).code == "E411"


def test_folders_named_after_a_value_are_columns(folder: Folder) -> None:
    for year, city, x in ((2023, "köln", [1.0, 2.0]), (2024, "bonn", [3.0])):
        folder.write({"x": x}, f"d/year={year}/city={city.replace('ö', '%C3%B6')}/part.parquet")
    found = folder.read(train="d", target="city")
    assert found.train.features.tolist() == [[1.0, 2023.0], [2.0, 2023.0], [3.0, 2024.0]]
    assert found.classes == ("bonn", "köln")
    assert found.train.target.tolist() == [1, 1, 0]
    assert folder.read(train="d/*/*/part.parquet", target="city").fingerprint == found.fingerprint
    # What the spec writes out itself is no column.
    assert folder.error(train="d/year=2023/city=k%C3%B6ln/part.parquet", target="city").code == "E402"


def test_a_partition_without_a_value_is_null(folder: Folder) -> None:
    folder.write({"x": [1.0], "label": [0]}, "d/year=2023/part.parquet")
    folder.write({"x": [1.0], "label": [1]}, "d/year=__HIVE_DEFAULT_PARTITION__/part.parquet")
    error = folder.error(train="d")
    assert (error.code, "null in column 'year' (1 of 2 rows)" in error.what) == ("E408", True)


def test_the_row_group_of_a_damaged_page_is_named(folder: Folder) -> None:
    path = folder.write(TABLE, row_group_size=100, compression="none", use_dictionary=False, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    # Not the least nor the greatest of its row group: those stand in the statistics too.
    middle = np.sort(TABLE["x"].to_numpy()[200:300])[50]
    content[content.index(middle.tobytes())] ^= 1
    path.write_bytes(content)
    error = folder.error()
    assert (error.code, "row group 2" in error.what) == ("E412", True), error.what
