"""Small files that hold more than a machine: each is refused before it takes the memory, or the stack."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc

from seqjobs.data import memory_limit
from seqjobs.data.formats.csv_header import MAX_COLUMNS
from seqjobs.data.formats.json_shape import MAX_DEPTH, MAX_KEYS

from .conftest import Folder

MIB = 1 << 20
FREE_MIB = 96
ROWS = 30
LABEL = [0, 1, 2] * 10

# A process of its own, for the limit is the process's. It says what each file gave, and the MiB that it grew by.
READ = """
import sys, types, psutil
from pathlib import Path
from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError
from seqjobs.planning.plan import DataSource
from seqjobs.spec.data_section import DataSpec
psutil.virtual_memory = lambda: types.SimpleNamespace(available=int(sys.argv[2]) << 20)
def most():
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10
for name in ("small.parquet", *sys.argv[3:]):
    before = most()
    spec = DataSpec.model_validate({"train": name, "features": ["x"], "target": "label"})
    try:
        read_dataset(DataSource(id="0", spec=spec, folder=Path(sys.argv[1])))
        code = "read"
    except DataError as error:
        code = error.code
    print(name, code, most() - before)
"""


def lists(length: int) -> pa.Table:
    """Whose first row says that lists have one number; all others have many."""
    offsets = np.array([0, *(1 + length * np.arange(ROWS))], np.int64)
    return pa.table({"x": pa.LargeListArray.from_arrays(offsets, np.zeros(offsets[-1], np.uint8)), "label": LABEL})


def strings(length: int) -> pa.Table:
    texts = pa.array([f"{row % 3}" * length for row in range(ROWS)], pa.large_string())
    return pa.table({"x": np.arange(ROWS), "label": texts})


BOMBS: dict[str, Callable[[Path], Any]] = {
    "lists.feather": lambda path: feather.write_feather(lists(4 * MIB), path, compression="zstd"),
    "strings.feather": lambda path: feather.write_feather(strings(3 * MIB), path, compression="zstd"),
    "strings.parquet": lambda path: pq.write_table(strings(3 * MIB), path, compression="zstd", use_dictionary=False),
    "strings.orc": lambda path: orc.write_table(
        strings(3 * MIB).cast(pa.schema([("x", pa.int64()), ("label", pa.string())])), path, compression="zstd"
    ),
    "lists.parquet": lambda path: pq.write_table(lists(MIB // 2), path, compression="zstd"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
def test_what_a_file_expands_to_is_refused_before_it_is_in_memory(folder: Folder) -> None:
    pq.write_table(strings(1), folder.path / "small.parquet")
    for name, write in BOMBS.items():
        write(folder.path / name)
        assert (folder.path / name).stat().st_size < MIB
    arguments = [sys.executable, "-c", READ, str(folder.path), str(FREE_MIB), *BOMBS]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    (_, first, _), *told = (line.split() for line in done.stdout.splitlines())
    assert first == "read"
    assert [(name, code) for name, code, _ in told] == [(name, "E413") for name in BOMBS]
    assert max(int(grown) for _, _, grown in told) < 1.5 * FREE_MIB


def test_compressed_text_that_never_ends_is_refused(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = b"1,0\n2,1\n" * 500_000
    (folder.path / "alike.csv.gz").write_bytes(gzip.compress(b"x,label\n" + rows))
    (folder.path / "alike.csv").write_bytes(b"x,label\n" + rows)
    (folder.path / "alike.jsonl.gz").write_bytes(gzip.compress(b'{"x": 1, "label": 0}\n' * 200_000))
    assert len(folder.read(train="alike.csv.gz").train) == 1_000_000
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=MIB))
    monkeypatch.setattr(memory_limit, "SHARE", 1 << 12)  # so that the text itself is what is too much
    for name in ("alike.csv.gz", "alike.jsonl.gz"):
        error = folder.inspect_error(train=name)
        assert (error.code, error.where) == ("E413", name)
        assert "100 times as long as the file itself" in error.what
    # That much text on a disk has nothing to hide.
    assert "rows need" in folder.error(train="alike.csv").what


def wide_csv(columns: int, name: str = "x") -> str:
    more = "".join(f",{number}" for number in range(columns - 2))
    return f"{name},label{more}\n1,0{',' * (columns - 2)}\n"


def object_with(keys: int) -> str:
    return '{"x": 1, "label": 0, ' + ", ".join(f'"{number}": 1' for number in range(keys - 2)) + "}\n"


def nested(depth: int) -> str:
    """Deep by lists that end between others too."""
    return '{"x": 1, "label": 0, "z": ' + "[[], " * (depth - 2) + "[]" + "]" * (depth - 2) + "}\n"


@pytest.mark.parametrize(
    ("name", "text", "phrase"),
    [
        ("a.csv", wide_csv(MAX_COLUMNS + 1), "more than 100,000 columns"),
        ("a.csv", wide_csv(MAX_COLUMNS + 1, '"x\n"'), "more than 100,000 columns"),
        ("a.tsv", wide_csv(MAX_COLUMNS + 1).replace(",", "\t"), "more than 100,000 columns"),
        ("a.jsonl", object_with(MAX_KEYS + 1), "more than 100,000 keys"),
        ("a.jsonl", nested(MAX_DEPTH + 1), "nested deeper than 100 levels"),
        ("a.jsonl", nested(200_000), "nested deeper than 100 levels"),
        ("a.jsonl", '{"x": 1, "label": 0}\n' + "[\n" * 200_000, "nested deeper than 100 levels"),
        ("a.jsonl", '{"x": 1, "label": 0, "z": "\\\\"}\n' + nested(200_000), "nested deeper than 100 levels"),
    ],
)  # fmt: skip
def test_text_of_a_shape_that_no_parser_holds(folder: Folder, name: str, text: str, phrase: str) -> None:
    (folder.path / name).write_text(text)
    error = folder.inspect_error(train=name)
    assert (error.code, error.where, phrase in error.what) == ("E413", name, True), error


def test_brackets_and_colons_in_strings_are_text(folder: Folder) -> None:
    odd = '"' + "[{:" * 300 + '\\" \\\\'
    # Longer than the block that is looked at at once, so that strings and escapes go on from one to the next.
    lines = [f'{{"x": {row % 5}, "label": {row % 2}, "z": {odd}{"]" * (row % 7)}"}}\n' for row in range(10_000)]
    (folder.path / "a.jsonl").write_text("".join(lines))
    assert len(folder.read(train="a.jsonl", features=["x"]).train) == 10_000


def test_what_is_just_within_the_bounds_is_read(folder: Folder) -> None:
    (folder.path / "a.jsonl").write_text(nested(MAX_DEPTH) * 2)
    assert len(folder.read(train="a.jsonl", features=["x"]).train) == 2
    (folder.path / "a.csv").write_text('"x\n,",label\r\n1,0\r\n2,1\r\n' + "3,1\r\n" * 200_000)
    assert len(folder.read(train="a.csv", features=["x\n,"]).train) == 200_002


def test_the_limit_is_taken_back(folder: Folder) -> None:
    import resource  # noqa: PLC0415 - only here, and not on every system

    before = resource.getrlimit(resource.RLIMIT_DATA)
    folder.write({"x": LABEL, "label": LABEL})
    folder.read()
    assert folder.error(features=["y"]).code == "E402"
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
