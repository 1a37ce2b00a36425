"""Hosts that a store leads to: none is asked that the spec does not name, and no answer is shown.

All servers are on this machine, and names resolve to what a test says.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any

import psutil
import pytest

from seqjobs.errors.printable import printable
from tests.fixtures.loopback_store import (
    Answer,
    LoopbackStore,
    bucket_of,
    certificate,
    loopback_store,
    redirect_to,
)

from .conftest import Folder

ROWS = b"x,label\n0.5,0\n1.5,1\n2.5,0\n"
PRIVATE = b"hunter2,hunter2b\n1,2\n3,4\n"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "hunter2-token"}
Resolver = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those of this test, wherever a client looks for them; nothing asks the machine for others."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    files = {name: str(tmp_path / "none") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    for name, value in {**CREDENTIALS, **files, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)


def storage(store: LoopbackStore | str) -> dict[str, str]:
    return {"endpoint": store if isinstance(store, str) else store.address, "region": "us-east-1"}


def resolving(monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]) -> list[str]:
    """Makes these names resolve so, and no other name; returns the names that were looked up."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        if host not in names and not host.replace(".", "").isdigit():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        addresses = names.get(host, [host])
        kinds = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        pairs = zip(kinds, addresses, strict=True)
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port)) for kind, address in pairs]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["s3://bucket/rows.csv", "s3://bucket/*.csv", "s3://bucket"])
def test_no_redirect_to_another_host_is_followed(folder: Folder, path: str, status: int) -> None:
    with loopback_store(bucket_of({"rows.csv": PRIVATE})) as other:
        with loopback_store(redirect_to(other.address, status)) as store:
            error = folder.error(train=path, storage=storage(store))
        assert other.requests == []
    assert (error.code, error.where) == ("E710", path)
    assert f"redirects to another host, 127.0.0.1:{other.port}, which was not contacted" in error.what
    assert "data.storage.endpoint" in error.fix
    assert "hunter2" not in str(error)


def test_no_redirect_to_another_protocol_is_followed(folder: Folder) -> None:
    with loopback_store(redirect_to("ftp://127.0.0.1:21", 302)) as store:
        error = folder.error(train="s3://bucket/rows.csv", storage=storage(store))
    assert error.code == "E401"


def test_a_file_that_redirects_is_not_read_from_another_host(folder: Folder) -> None:
    bucket = bucket_of({"rows.csv": ROWS})
    with loopback_store(bucket_of({"rows.csv": PRIVATE})) as other:

        def answering(method: str, path: str, headers: Message) -> Answer:
            """Of the listing nothing shows the redirect."""
            is_read = method == "GET" and "rows.csv" in path
            return redirect_to(other.address, 307)(method, path, headers) if is_read else bucket(method, path, headers)

        with loopback_store(answering) as store:
            error = folder.error(train="s3://bucket/rows.csv", storage=storage(store))
        assert other.requests == []
    assert error.code == "E710"


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY", "http_proxy"])
def test_no_variable_leads_around_this(folder: Folder, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with loopback_store(bucket_of({"rows.csv": PRIVATE})) as other:
        monkeypatch.setenv(variable, other.address if variable == "http_proxy" else "*")
        with loopback_store(redirect_to(other.address, 302)) as store:
            error = folder.error(train="s3://bucket/rows.csv", storage=storage(store))
        assert other.requests == []
    assert error.code == "E710"


@pytest.mark.parametrize("path", ["gs://bucket/rows.csv", "gs://bucket"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_google_s_client_follows_no_redirect(folder: Folder, path: str, status: int) -> None:
    with loopback_store(bucket_of({"rows.csv": PRIVATE})) as other:
        with loopback_store(redirect_to(other.address, status)) as store:
            error = folder.error(train=path, storage={"endpoint": store.address, "anonymous": True})
        assert store.requests
        assert other.requests == []
    assert (error.code, error.where) == ("E401", path)
    assert f"HTTP status {status}" in error.what


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("s3://bucket/rows.csv", 400, b"<Error><Code>hunter2</Code><Message>hunter2</Message></Error>"),
        ("s3://bucket", 400, b"<Error><Code>hunter2</Code><Message>hunter2</Message></Error>"),
        ("s3://bucket", 200, b'{"Token": "hunter2"}'),
        ("s3://bucket", 200, b"<hunter2>hunter2</hunter2>"),
        ("gs://bucket/rows.csv", 200, b"hunter2"),
        ("gs://bucket/rows.csv", 400, b'{"error": {"code": 400, "message": "hunter2", "status": "hunter2"}}'),
        ("gs://bucket", 403, b'{"error": {"message": "hunter2", "errors": [{"reason": "hunter2"}]}}'),
    ],
)
def test_no_error_shows_an_answer(folder: Folder, path: str, status: int, body: bytes) -> None:
    with loopback_store(lambda *_: (status, {"x-amz-error": "hunter2", "Server": "hunter2"}, body)) as store:
        given = {**storage(store)} if path.startswith("s3") else {"endpoint": store.address, "anonymous": True}
        error = folder.error(train=path, storage=given)
    assert (error.code, error.where) == ("E401", path)
    assert "hunter2" not in str(error)


def test_a_bucket_of_another_region_is_told_of(folder: Folder) -> None:
    body = b"<Error><Code>PermanentRedirect</Code><Message>hunter2</Message><Endpoint>hunter2</Endpoint></Error>"
    with loopback_store(lambda *_: (301, {}, body)) as store:
        error = folder.error(train="s3://bucket", storage=storage(store))
    assert (error.code, "data.storage.region" in error.fix, "hunter2" in str(error)) == ("E401", True, False)
    assert "another region" in error.what


@pytest.mark.parametrize(
    "addresses",
    [["169.254.169.254"], ["127.0.0.1", "169.254.170.2"], ["fd00:ec2::254"], ["::ffff:a9fe:a9fe"], ["168.63.129.16"]],
    ids=",".join,
)
@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("s3://bucket/rows.csv", "http://store.example:{}"),
        ("gs://bucket/rows.csv", "http://store.example:{}"),
        ("abfs://data@store.example:{}/rows.csv", None),
        ("hdfs://store.example:{}/rows.csv", None),
    ],
)
def test_a_name_that_resolves_to_credentials_is_refused(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, path: str, endpoint: str | None, addresses: list[str]
) -> None:
    resolving(monkeypatch, {"store.example": addresses})
    with loopback_store(bucket_of({"rows.csv": PRIVATE})) as store:
        path = path.format(store.port)
        given = {} if endpoint is None else {"storage": {"endpoint": endpoint.format(store.port), "region": "x"}}
        error = folder.error(train=path, **given)
        assert store.requests == []
    assert (error.code, error.where) == ("E707", printable(path))
    assert "store.example" in error.what


def test_the_address_that_was_checked_is_the_one_that_is_used(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may stand for another address as soon as it was checked; every connection is checked for itself."""
    bucket = bucket_of({"rows.csv": ROWS})
    names = {"store.example": ["127.0.0.1"]}
    asked = resolving(monkeypatch, names)

    def answering(method: str, path: str, headers: Message) -> Answer:
        names["store.example"] = ["169.254.169.254"]
        return bucket(method, path, headers)

    with loopback_store(answering) as store:
        error = folder.error(train="s3://bucket/rows.csv", storage=storage(f"http://store.example:{store.port}"))
        assert len(store.requests) == 1
    assert error.code == "E707"
    assert set(asked) == {"store.example"}


def test_a_store_with_a_name_is_read(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, {"store.example": ["127.0.0.1"]})
    with loopback_store(bucket_of({"rows.csv": ROWS})) as store:
        found = folder.read(train="s3://bucket", storage=storage(f"http://store.example:{store.port}"))
        assert found.train.features[0].tolist() == [0.5]
        assert f"Host: store.example:{store.port}" in store.headers
        assert "proxy" not in store.headers.lower()


def test_a_store_whose_name_is_unknown_is_told_of(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, {})
    error = folder.error(train="s3://bucket/rows.csv", storage=storage("http://store.example:9000"))
    assert (error.code, error.where) == ("E401", "s3://bucket/rows.csv")
    assert error.what.startswith("the store cannot be reached: could not connect to store.example:9000")


SPEC = """
name: stored
data: {{train: "s3://bucket/rows.csv", target: label, storage: {storage}}}
model: [{{Dense: {{units: 1, activation: sigmoid}}}}]
compile: {{optimizer: adam, loss: binary_crossentropy}}
"""


PLAN = [sys.executable, "-m", "seqjobs.cli.main", "plan", "job.yaml", "--data"]


def run(folder: Path, store: LoopbackStore) -> subprocess.CompletedProcess[str]:
    (folder / "job.yaml").write_text(SPEC.format(storage=json.dumps(storage(store))))
    return subprocess.run(PLAN, cwd=folder, capture_output=True, text=True, check=False)


def test_a_command_follows_no_redirect_and_shows_no_column_of_another_host(tmp_path: Path) -> None:
    with loopback_store(bucket_of({"rows.csv": PRIVATE})) as other:
        with loopback_store(redirect_to(other.address, 302)) as store:
            done = run(tmp_path, store)
        assert other.requests == []
    assert (done.returncode, done.stdout) == (2, ""), done
    (line,) = done.stderr.splitlines()
    assert line.startswith("s3://bucket/rows.csv: the store 127.0.0.1 redirects to another host")
    assert line.endswith("[E710]")
    assert "hunter2" not in line


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_redirect_of_a_store_with_tls_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    path, tls = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with loopback_store(bucket_of({"rows.csv": PRIVATE}), tls if scheme == "https" else None) as other:
        with loopback_store(redirect_to(other.address, 302), tls) as store:
            done = run(tmp_path, store)
            assert store.requests
        assert other.requests == []
    assert (done.returncode, done.stdout) == (2, ""), done
    assert f"127.0.0.1:{other.port}, which was not contacted" in done.stderr
    assert "[E710]" in done.stderr


def test_a_store_with_tls_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, tls = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with loopback_store(bucket_of({"rows.csv": ROWS}), tls) as store:
        done = run(tmp_path, store)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "proxy" not in store.headers.lower()


@pytest.mark.parametrize("path", ["s3://bucket/rows.csv", "s3://bucket"])
def test_a_client_that_dies_is_one_message_that_names_the_path(tmp_path: Path, path: str) -> None:
    """As clients that end their process because of an answer: here the store ends it as it is asked."""

    def answering(*_: object) -> Answer:
        (reader,) = psutil.Process(process.pid).children()
        reader.send_signal(signal.SIGABRT)
        return 500, {}, b""

    with loopback_store(answering) as store:
        spec = SPEC.format(storage=json.dumps(storage(store))).replace("s3://bucket/rows.csv", path)
        (tmp_path / "job.yaml").write_text(spec)
        with subprocess.Popen(PLAN, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
            _, told = process.communicate()
    assert process.returncode == 2
    (line,) = told.splitlines()
    assert line.startswith(f"{path}: the process that was reading from this store died of SIGABRT; ")
    assert "data.storage" in line
    assert line.endswith("[E425]")
