"""Files that are not whole, not honest, or not Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from seqjobs.data.formats import parquet
from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError

from .conftest import Folder

ROWS = {"x": np.arange(50, dtype=np.float32), "label": np.arange(50) % 3}


def test_a_file_cut_off_anywhere(folder: Folder) -> None:
    path = folder.write(ROWS)
    whole = path.read_bytes()
    for length in sorted({*range(0, len(whole), 37), *range(len(whole) - 12, len(whole))}):
        path.write_bytes(whole[:length])
        error = folder.inspect_error()
        assert (error.code, error.where) == ("E411", path.name), length
        assert "not a complete Parquet file" in error.what
    path.write_bytes(whole)
    assert len(folder.read().train) == 50


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1PAR1", b"a,b\n1,2\n" * 20, b"\x00" * 500, b"PARE" * 20])
def test_what_is_only_named_parquet(folder: Folder, content: bytes) -> None:
    (folder.path / "train.parquet").write_bytes(content)
    assert folder.inspect_error().code == "E411"


def flip_a_bit_of_the_values(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.index(np.arange(50, dtype=np.float32).tobytes())
    content[place + 80] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_is_found_by_the_page_checksum(folder: Folder) -> None:
    plain: dict[str, Any] = {"compression": "none", "use_dictionary": False}
    flip_a_bit_of_the_values(folder.write(ROWS, write_page_checksum=True, **plain))
    error = folder.error()
    assert (error.code, "checksum does not match" in error.what) == ("E412", True)
    # The very same change passes where the file has no checksums, so it is they that found it.
    flip_a_bit_of_the_values(folder.write(ROWS, **plain))
    assert len(folder.read().train) == 50


@pytest.mark.parametrize("limit", ["THRIFT_STRING_BYTES", "THRIFT_CONTAINER_ITEMS"])
def test_a_footer_beyond_the_limits(folder: Folder, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    folder.write(ROWS)
    monkeypatch.setattr(parquet, limit, 1)
    assert (folder.inspect_error().code, "exceeds the limits" in folder.inspect_error().what) == ("E413", True)


def test_bytes_changed_at_random_give_rows_or_an_error_of_ours(folder: Folder) -> None:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(150, dtype=np.uint8)), 3)
    path = folder.write({**ROWS, "lists": lists}, compression="snappy", write_page_checksum=True)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    codes: list[str] = []
    for _ in range(150):
        content = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            content[place] = random.integers(256)
        path.write_bytes(content)
        try:
            folder.read()
        except DataError as error:  # any other ends the test
            codes.append(error.code)
    known = (
        "E402",
        "E403",
        "E404",
        "E406",
        "E407",
        "E408",
        "E409",
        "E410",
        "E411",
        "E412",
        "E413",
        "E414",
        "E424",
        "E431",
    )
    assert set(codes) <= {*known}
    assert codes.count("E411") > 50


def test_a_file_with_other_rows_than_its_footer_counts(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write({**ROWS, "lists": [[1]] * 50})
    whole = parquet.ParquetFormat.batches

    def without_end(*arguments: Any) -> Iterator[pa.RecordBatch]:
        return (batch[:-1] for batch in whole(*arguments))

    monkeypatch.setattr(parquet.ParquetFormat, "batches", without_end)
    assert (folder.inspect_error().code, "counted before they were read" in folder.inspect_error().what) == (
        "E411",
        True,
    )
    assert (folder.error(features=["x"]).code, folder.error(features=["x"]).where) == ("E411", "train.parquet")


def test_one_long_string_of_many_rows_is_not_written_out_for_each(folder: Folder) -> None:
    path = folder.write({"x": np.zeros(60_000), "label": ["a" * 9_000, "b"] * 30_000}, compression="zstd")
    assert path.stat().st_size < 10_000
    source, reader = SourceFile(path=path, name=path.name), parquet.ParquetFormat()
    batches = list(reader.batches(source, reader.footer(source), ["label"], 60_000))
    assert sum(batch.num_rows for batch in batches) == 60_000
    assert max(batch.nbytes for batch in batches) < 1 << 20  # as strings they are 270 MB
    assert folder.read().classes == ("a" * 9_000, "b")


def test_a_file_that_may_not_be_read(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder.write(ROWS)

    def refuse(_: Path) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(parquet, "_open", refuse)
    assert (folder.inspect_error().code, "Permission denied" in folder.inspect_error().what) == ("E401", True)
