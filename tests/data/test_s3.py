"""Rows in S3, read over HTTP from a real server: the same dataset as in files here, and what is told if it fails."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from seqjobs.data import stores
from tests.s3_server import S3Server

from .conftest import Folder
from .test_formats import TABLE, WRITERS, assert_same

pytestmark = pytest.mark.slow

NAMES = ("rows.parquet", "rows.csv", "rows.csv.gz", "rows.arrow", "rows.orc", "rows.jsonl")
FORMATS = {name: {"rows.parquet": pq.write_table, **WRITERS}[name] for name in NAMES}


@pytest.fixture(scope="module")
def shards(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each format, with the rows in two files; the bucket `shards` holds the same."""
    root = tmp_path_factory.mktemp("shards")
    for name, write in FORMATS.items():
        (root / name).mkdir()
        write(TABLE[:600], root / name / f"1-{name}")
        write(TABLE[600:], root / name / f"2-{name}")
    s3.upload(root, "shards")
    return root


@pytest.fixture
def reader(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, with credentials for it in the environment."""
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    for name, value in s3.credentials.items():
        monkeypatch.setenv(name, value)
    return s3


@pytest.mark.parametrize("name", FORMATS)
def test_shards_in_s3_are_the_dataset_that_they_are_here(
    folder: Folder, shards: Path, reader: S3Server, name: str
) -> None:
    folder.write(TABLE)
    expected = folder.read()
    assert_same(folder.read(train=str(shards / name)), expected)
    assert_same(folder.read(train=f"s3://shards/{name}", storage=reader.storage), expected)


@pytest.mark.usefixtures("shards")
def test_shards_may_be_named_and_of_several_formats(folder: Folder, reader: S3Server) -> None:
    folder.write(TABLE)
    paths = ["s3://shards/rows.orc/1-rows.orc", "s3://shards/*.csv/2-*"]
    features = ["x", "n"]  # text does not tell that a column is of singles
    found = folder.read(train=paths, features=features, storage=reader.storage)
    assert_same(found, folder.read(features=features))


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.usefixtures("shards")
def test_the_environment_may_name_the_endpoint(
    folder: Folder, reader: S3Server, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    folder.write(TABLE)
    monkeypatch.setenv(variable, reader.endpoint)
    assert_same(folder.read(train="s3://shards/rows.parquet"), folder.read())


WRONG = "hunter2hunter2"

BUCKETS = ("s3://shards/rows.orc/1-rows.orc", "s3://shards", "s3://shards/**/*.csv")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, wherever they are looked for."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


@pytest.mark.parametrize("path", BUCKETS)
@pytest.mark.parametrize("given", ["none", "wrong key", "wrong secret", "anonymous"])
@pytest.mark.usefixtures("shards", "nobody")
def test_who_may_not_read_is_told_where_credentials_belong(
    folder: Folder, s3: S3Server, monkeypatch: pytest.MonkeyPatch, path: str, given: str
) -> None:
    credentials = {
        "none": {},
        "wrong key": {**s3.credentials, "AWS_ACCESS_KEY_ID": WRONG},
        "wrong secret": {**s3.credentials, "AWS_SECRET_ACCESS_KEY": WRONG},
        "anonymous": s3.credentials,
    }[given]
    for name, value in credentials.items():
        monkeypatch.setenv(name, value)
    error = folder.error(train=path, storage={**s3.storage, "anonymous": given == "anonymous"})
    assert (error.code, error.where) == ("E401", path)
    assert error.what == "the store refuses access (ACCESS_DENIED)"
    assert "AWS_SECRET_ACCESS_KEY" in error.fix
    assert not [value for value in credentials.values() if value in str(error)]


@pytest.mark.usefixtures("shards")
@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("s3://no-such-bucket/rows.orc", "there is no bucket 'no-such-bucket'"),
        ("s3://no-such-bucket", "there is no bucket 'no-such-bucket'"),
        ("s3://no-such-bucket/*/rows.orc", "there is no bucket 'no-such-bucket'"),
        ("s3://shards/rows.orc/3-rows.orc", "there is no data file"),
        ("s3://shards/*/3-rows.orc", "this pattern matches no data file"),
    ],
)
def test_what_is_not_there_is_told_apart(folder: Folder, reader: S3Server, path: str, what: str) -> None:
    error = folder.error(train=path, storage=reader.storage)
    assert (error.code, error.where, error.what) == ("E401", path, what)


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """A port of this machine at which nobody answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(("listens", "reason"), [(False, "connect"), (True, "Less than 1 bytes/sec")])
def test_a_store_that_does_not_answer_is_told_of(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, port: socket.socket, listens: bool, reason: str
) -> None:
    monkeypatch.setattr(stores, "REQUEST_SECONDS", 1)
    if listens:
        port.listen(10)
    storage = {"endpoint": f"http://127.0.0.1:{port.getsockname()[1]}", "region": "us-east-1", "anonymous": True}
    error = folder.error(train="s3://bucket/rows.parquet", storage=storage)
    assert (error.code, error.where) == ("E401", "s3://bucket/rows.parquet")
    assert error.what.startswith("the store cannot be reached: ")
    assert reason in error.what
    assert "data.storage.endpoint" in error.fix
