"""Whole numbers that float64 does not hold: exact in text, refused where they are looked up, or warned of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import seqjobs.data.formats.csv
import seqjobs.data.formats.json_lines
from seqjobs.data.new_rows import KeptColumns, NewRows, new_source
from seqjobs.errors import DataError

from .conftest import Folder
from .test_looked_up_values import WRITERS

TEXTS = ("csv", "jsonl")
BEYOND = 2**64 + 1
LOOKUPS: tuple[Any, ...] = ("index", "one_hot", {"hash": 9}, [{"impute": "most_frequent"}, "index"])


def write(folder: Folder, suffix: str, values: Sequence[Any], name: str = "train") -> None:
    """Write text as it is, with a target of fractions."""
    rows = [(str(value), f"{row}.5") for row, value in enumerate(values)]
    if suffix == "csv":
        lines = ["x,label", *(",".join(row) for row in rows)]
    else:
        lines = [f'{{"x": {x}, "label": {label}}}' for x, label in rows]
    (folder.path / f"{name}.{suffix}").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("suffix", TEXTS)
@pytest.mark.parametrize("asked", ["index", {"hash": 10_007}])
def test_text_is_exact_up_to_64_bits(folder: Folder, monkeypatch: pytest.MonkeyPatch, suffix: str, asked: Any) -> None:
    monkeypatch.setattr(seqjobs.data.formats.csv, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(seqjobs.data.formats.json_lines, "BLOCK_BYTES", 2000)
    signed, unsigned = [2**53, 2**53 + 1, 2**63 - 1], [2**53 + 1, 2**64 - 1, 2**64 - 2, 2**63]
    for values, kind in ((signed, pa.int64()), (unsigned, pa.uint64()), ([*range(400), *unsigned], pa.uint64())):
        for order in (values, values[::-1]):
            folder.write({"x": pa.array(order, kind), "label": np.arange(len(order)) + 0.5})
            write(folder, suffix, order)
            expected, found = (folder.read(train=f"train.{end}", features={"x": asked}) for end in ("parquet", suffix))
            assert found.fingerprint == expected.fingerprint
            assert not found.warnings


@pytest.mark.parametrize("suffix", TEXTS)
def test_files_agree_on_a_type_that_holds_their_numbers(folder: Folder, suffix: str) -> None:
    (folder.path / "parts").mkdir()
    write(folder, suffix, [1, 2, 2**53 + 1], "parts/a")
    write(folder, suffix, [3, 2**64 - 1], "parts/b")
    assert len(np.unique(folder.read(train="parts", features={"x": "index"}).train.features)) == 5
    write(folder, suffix, [-1, 2], "parts/c")
    error = folder.error(train="parts", features={"x": "index"})
    assert (error.code, "18446744073709551615" in error.what or "9007199254740993" in error.what) == ("E424", True)


@pytest.mark.parametrize("suffix", TEXTS)
@pytest.mark.parametrize("asked", LOOKUPS)
@pytest.mark.parametrize(
    ("values", "lost"),
    [
        ([BEYOND, 1], BEYOND),
        ([1.5, 2, 2**53 + 1], 2**53 + 1),
        ([-1, 2**64 - 1], 2**64 - 1),
        ([10**30 + 7, 0.5], 10**30 + 7),
    ],
)
def test_what_lost_digits_is_not_looked_up(
    folder: Folder, suffix: str, asked: Any, values: Sequence[Any], lost: int
) -> None:
    write(folder, suffix, values)
    for error in (folder.inspect_error, folder.error):
        found = error(train=f"train.{suffix}", features={"x": asked})
        assert found.code == "E424"
        assert f"column 'x' has '{lost}'" in found.what
        assert found.where == f"train.{suffix}"
        assert found.fix == "write data.types: {'x': string}."


@pytest.mark.parametrize("suffix", TEXTS)
def test_large_floats_are_what_they_say(folder: Folder, suffix: str) -> None:
    write(folder, suffix, ["1e300", 2**53, "0.5", 2**70])
    assert len(np.unique(folder.read(train=f"train.{suffix}", features={"x": "index"}).train.features)) == 4
    write(folder, suffix, ["1e30", 2**53, "0.5", 2**70])
    assert not folder.read(train=f"train.{suffix}", features={"x": "standardize"}).warnings


@pytest.mark.parametrize("suffix", TEXTS)
def test_types_that_a_spec_gives_are_kept(folder: Folder, suffix: str) -> None:
    write(folder, suffix, [f'"{BEYOND}"', f'"{BEYOND + 1}"', '"1"'])
    spec: dict[str, Any] = {"train": f"train.{suffix}", "types": {"x": "string"}, "features": {"x": "index"}}
    assert len(np.unique(folder.read(**spec).train.features)) == 3


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("asked", ["standardize", "raw", [{"clip": {"low": 0}}]])
def test_numbers_that_lose_digits_are_warned_of(folder: Folder, suffix: str, asked: Any) -> None:
    column = pa.array([2**53 + 1, 5, 6])
    table = pa.table({"x": column, "other": [0.5, 1.0, 2.0], "label": [0.5, 1.5, 2.5]})
    WRITERS[suffix](table, folder.path / f"train.{suffix}")
    features = {"x": asked, "other": "raw"}
    (warning,) = folder.read(train=f"train.{suffix}", features=features).warnings
    assert warning.startswith("column 'x' has whole numbers beyond 2**53, which lose digits when they are used as")
    (second,) = folder.read(
        train=f"train.{suffix}", features={"other": "raw", "x": "standardize"}, target="label"
    ).warnings
    assert second == warning
    if suffix in TEXTS:
        write(folder, suffix, [BEYOND, 1])
        assert folder.read(train=f"train.{suffix}", features={"x": "standardize"}).warnings == (warning,)


@pytest.mark.parametrize("suffix", TEXTS)
def test_new_rows_are_read_as_exactly(folder: Folder, suffix: str) -> None:
    write(folder, suffix, [3, 2**64 - 1])
    source = folder.source(train=f"train.{suffix}", features={"x": "index"})
    preparation = folder.read(train=f"train.{suffix}", features={"x": "index"}).preparation
    write(folder, suffix, [BEYOND, 3], "new")
    with pytest.raises(DataError, match=rf"column 'x' has '{BEYOND}'.*\[E424\]"):
        NewRows.find(new_source(source, [f"new.{suffix}"], folder.path), preparation)


def test_an_id_that_is_kept_is_written_as_it_is(folder: Folder) -> None:
    folder.write({"x": [1, 2], "label": [0.5, 1.5]})
    preparation = folder.read(features={"x": "index"}).preparation
    (folder.path / "new.csv").write_text(f"x,id,key\n1,{BEYOND},{2**64 - 1}\n2,{BEYOND + 1},3\n")
    rows = NewRows.find(new_source(folder.source(), ["new.csv"], folder.path), preparation, ["id", "key"])
    kept = KeptColumns(rows, ["id", "key"])
    (found,) = (kept.of(batch) for batch, _ in rows.batches())
    assert found.to_pydict() == {"id": [str(BEYOND), str(BEYOND + 1)], "key": [2**64 - 1, 3]}
