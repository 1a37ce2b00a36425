"""Files in object stores: which of them a path means, and how they are read. A folder stands for the store here."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import fs

from seqjobs.data import stores
from seqjobs.errors import DataError
from seqjobs.jobspec.data_section import DataSpec, StorageSpec

from .conftest import Folder

TABLE = pa.table({"x": [0.5, 1.5, 2.5], "label": [0, 1, 0]})


@pytest.fixture
def bucket(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """What is written below `bucket` in the folder is in the store."""

    def opened(scheme: str, place: str, fixed: PurePosixPath, _: StorageSpec) -> tuple[Any, PurePosixPath]:
        assert scheme == "s3"
        return fs.LocalFileSystem(), PurePosixPath(folder.path) / place / fixed

    monkeypatch.setattr(stores, "_open", opened)
    return folder


def names(uri: str) -> list[str]:
    return [source.name for source, _ in stores.files_in_store(uri, StorageSpec())]


def test_a_path_means_what_a_local_one_does(bucket: Folder) -> None:
    for name in ("d/b.parquet", "d/a.parquet", "d/sub/c.parquet", "d/.hidden/x.parquet", "d/_old.parquet"):
        bucket.write(TABLE, f"bucket/{name}")
    (bucket.path / "bucket" / "d" / "readme.md").write_text("no data")
    assert names("s3://bucket/d/a.parquet") == ["s3://bucket/d/a.parquet"]
    assert names("s3://bucket/d") == [f"s3://bucket/d/{name}.parquet" for name in ("a", "b", "sub/c")]
    assert names("s3://bucket/d/*.parquet") == [f"s3://bucket/d/{name}.parquet" for name in ("a", "b")]
    assert names("s3://bucket/**/[bc].parquet") == [f"s3://bucket/d/{name}.parquet" for name in ("b", "sub/c")]
    assert names("s3://bucket/*/sub/?.parquet") == ["s3://bucket/d/sub/c.parquet"]


@pytest.mark.parametrize(
    "path",
    [
        "s3://bucket/metadata/x.parquet",
        "gs://metadata/x.csv",
        "abfs://data@account.dfs.core.windows.net/169.254.parquet",
    ],
)
def test_a_folder_may_be_named_as_a_host_is_that_is_refused(path: str) -> None:
    assert DataSpec.model_validate({"train": path, "target": "label"}).train == (path,)


@pytest.mark.parametrize(
    ("path", "code", "phrase"),
    [
        ("s3://bucket/nowhere", "E401", "there is no data file"),
        ("s3://bucket/d/*.csv", "E401", "matches no data file"),
        ("s3://bucket/d/readme.md", "E415", "'.md' files cannot be read"),
    ],
)
def test_what_is_not_there_is_named(bucket: Folder, path: str, code: str, phrase: str) -> None:
    bucket.write(TABLE, "bucket/d/a.parquet")
    (bucket.path / "bucket" / "d" / "readme.md").write_text("no data")
    with pytest.raises(DataError) as caught:
        stores.files_in_store(path, StorageSpec())
    assert (caught.value.code, phrase in caught.value.what) == (code, True)
    assert caught.value.where == path


def test_rows_and_folders_named_after_a_value_are_read(bucket: Folder) -> None:
    bucket.write(TABLE, "bucket/d/year=2024/a.parquet")
    bucket.write(TABLE, "d/year=2024/a.parquet")
    found = bucket.read(train=["s3://bucket/d"])
    assert found.fingerprint == bucket.read(train=["d"]).fingerprint
    assert found.train.features[0].tolist() == [0.5, 2024.0]


def test_a_file_named_twice_does_not_count_twice(bucket: Folder) -> None:
    bucket.write(TABLE, "bucket/d/a.parquet")
    error = bucket.error(train=["s3://bucket/d", "s3://bucket/*/a.parquet"])
    assert (error.code, "named twice" in error.what) == ("E401", True)
