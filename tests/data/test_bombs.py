"""Small files that hold more than a machine: each is refused, or ends the process that reads it and nothing else."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, orc

from tests.fixtures.files import write_rows

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
from seqjobs.data.data_source import DataSource
from seqjobs.jobspec.data_section import DataSpec
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
    "strings.parquet": lambda path: write_rows(path, strings(3 * MIB), compression="zstd", use_dictionary=False),
    "lists.parquet": lambda path: write_rows(path, lists(4 * MIB), compression="zstd"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
def test_what_a_file_expands_to_is_refused_before_it_is_in_memory(folder: Folder) -> None:
    write_rows(folder.path / "small.parquet", strings(1))
    for name, write in BOMBS.items():
        write(folder.path / name)
        assert (folder.path / name).stat().st_size < MIB
    done = read(folder.path, *BOMBS)
    assert done.returncode == 0, done.stderr
    (_, first, _), *told = (line.split() for line in done.stdout.splitlines())
    assert first == "read"
    assert [(name, code) for name, code, _ in told] == [(name, "E413") for name in BOMBS]
    assert max(int(grown) for _, _, grown in told) < 1.5 * FREE_MIB


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
def test_a_stripe_of_orc_that_is_larger_than_memory_ends_the_process_that_reads_it(folder: Folder) -> None:
    write_rows(folder.path / "small.parquet", strings(1))
    table = strings(3 * MIB).cast(pa.schema([("x", pa.int64()), ("label", pa.string())]))
    orc.write_table(table, folder.path / "strings.orc", compression="zstd")
    done = read(folder.path, "strings.orc")
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGABRT), done
    assert done.stdout.startswith("small.parquet read ")


def read(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", READ, str(folder), str(FREE_MIB), *names]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_compressed_text_is_as_large_as_its_rows(folder: Folder) -> None:
    (folder.path / "alike.csv.gz").write_bytes(gzip.compress(b"x,label\n" + b"1,0\n2,1\n" * 500_000))
    assert len(folder.read(train="alike.csv.gz").train) == 1_000_000


def test_brackets_and_colons_in_strings_are_text(folder: Folder) -> None:
    odd = '"' + "[{:" * 300 + '\\" \\\\'
    lines = [f'{{"x": {row % 5}, "label": {row % 2}, "z": {odd}{"]" * (row % 7)}"}}\n' for row in range(10_000)]
    (folder.path / "a.jsonl").write_text("".join(lines))
    assert len(folder.read(train="a.jsonl", features=["x"]).train) == 10_000


def test_the_limit_is_taken_back(folder: Folder) -> None:
    import resource  # noqa: PLC0415 - only here, and not on every system

    before = resource.getrlimit(resource.RLIMIT_DATA)
    folder.write({"x": LABEL, "label": LABEL})
    folder.read()
    assert folder.error(features=["y"]).code == "E402"
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
