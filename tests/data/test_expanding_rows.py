"""Rows that become far larger than they are stored are read, learned from and written near `data.memory`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import seqjobs.data.chain
import seqjobs.data.training_rows
from tests.data.conftest import Folder

MIB = 1 << 20
ROWS = 6000
LABEL = np.arange(ROWS) % 2

# A process of its own, because its largest size is measured. It prints what each spec gave.
READ = """
import json, sys
from pathlib import Path
from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError
from seqjobs.data.data_source import DataSource
from seqjobs.jobspec.data_section import DataSpec
def most():
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10
before = most()
for text in sys.argv[2:]:
    source = DataSource(id="0", spec=DataSpec.model_validate(json.loads(text)), folder=Path(sys.argv[1]))
    try:
        found = "x".join(map(str, read_dataset(source).schema.feature_shape))
    except DataError as error:
        found = error.code
    print(found, most() - before)
"""


def picture(size: int) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (size, size)).save(written, "PNG")
    return written.getvalue()


def lists(rows: int, length: int) -> pa.Array:
    """Return a list of one number, then lists of many."""
    offsets = np.array([0, *(1 + length * np.arange(rows))], np.int64)
    return pa.LargeListArray.from_arrays(offsets, np.zeros(offsets[-1], np.uint8))


# What a column holds, what is done to it, what it becomes.
CASES: dict[str, tuple[Callable[[], Any], Any, str]] = {
    "categories": (lambda: np.arange(ROWS) * 7919 % 5000, "one_hot", "5001"),
    "words": (lambda: ["a b"] * 3000, {"tokens": 5000}, "5000"),
    "long": (lambda: lists(2500, 5000), [{"pad": 4000}, "standardize"], "4000"),
    "pictures": (lambda: [picture(1000)] * 30, {"image": [1000, 1000]}, "1000x1000x3"),
    "ids": (lambda: np.arange(2_000_000), "index", "E417"),
    "counted ids": (lambda: np.arange(2_000_000) * 3, {"index": {"max": 10}}, "E413"),
    "numbers": (lambda: np.arange(9_000_000, dtype=np.float32), {"bucketize": {"quantiles": 4}}, "E413"),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the largest size of a process so")
def test_memory_stays_near_data_memory_whatever_a_row_becomes(folder: Folder) -> None:
    specs = []
    for name, (column, operations, _) in CASES.items():
        made = column()
        folder.write({"x": made, "label": np.resize(LABEL, len(made))}, f"{name}.parquet")
        assert (folder.path / f"{name}.parquet").stat().st_size < 60 * MIB
        spec = {"train": f"{name}.parquet", "target": "label", "features": {"x": operations}, "memory": "32 MiB"}
        specs.append(json.dumps(spec))
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder.path), *specs], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    assert [found for found, _ in told] == [expected for _, _, expected in CASES.values()]
    grown = dict(zip(CASES, (int(size) for _, size in told), strict=True))
    # 64 MiB may be taken to learn, and as much for a piece of the rows. Some cases took more than a GiB at once.
    assert max(grown.values()) < 200, grown


@pytest.mark.parametrize("length", [1, 2, 33])
def test_the_bits_do_not_depend_on_the_blocks(folder: Folder, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    draw = np.random.default_rng(3)
    numbers = draw.normal(1e6, 3.0, 900 * length)
    numbers[draw.random(len(numbers)) < 0.05] = np.nan
    lists_of_numbers = pa.FixedSizeListArray.from_arrays(pa.array(numbers, from_pandas=True), length)
    column = pa.array(numbers, from_pandas=True) if length == 1 else lists_of_numbers
    folder.write(
        {"x": column, "c": draw.integers(0, 70, 900), "m": np.abs(draw.normal(size=900)), "label": LABEL[:900]}
    )
    features = {
        "x": [{"impute": "mean"}, "standardize"],
        "c": {"one_hot": {"min_count": 3}},
        "m": [{"impute": {"strategy": "median", "indicator": True}}, "standardize"],
    }
    monkeypatch.setattr(seqjobs.data.training_rows, "LEARNED_AT_ONCE", 400)
    expected = folder.read(features=features)
    for block, piece in ((1 << 10, 1), (1 << 14, 1 << 11), (1 << 20, 1 << 12)):
        monkeypatch.setattr(seqjobs.data.chain, "BLOCK_BYTES", block)
        monkeypatch.setattr(seqjobs.data.training_rows, "PIECE_BYTES", piece)
        found = folder.read(features=features)
        assert found.preparation == expected.preparation
        assert found.fingerprint == expected.fingerprint
