"""S3Server: a real S3 server on this machine, which asks for credentials: moto's, in a process of its own.

`python -m tests.s3_server` is that process; it ends when its standard input does.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

ROOT = Path(__file__).parent.parent
REGION = "us-east-1"
# So many requests make the user whose credentials all others need.
_REQUESTS_WITHOUT_CREDENTIALS = 3
_ALL_OF_S3 = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """Where it is, and who may read and write."""

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def storage(self) -> dict[str, str]:
        """What `data.storage` says of it."""
        return {"endpoint": self.endpoint, "region": REGION}

    @property
    def credentials(self) -> dict[str, str]:
        """Variables of the environment."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}

    def upload(self, folder: Path, bucket: str) -> None:
        """Puts the files below a folder into a new bucket."""
        store = fs.S3FileSystem(
            access_key=self.access_key,
            secret_key=self.secret_key,
            region=REGION,
            endpoint_override=self.endpoint,
            allow_bucket_creation=True,
        )
        store.create_dir(bucket)
        fs.copy_files(str(folder), bucket, fs.LocalFileSystem(), store)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Starts one, with a user who may do all, and ends it."""
    command = [sys.executable, "-m", "tests.s3_server"]
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(_REQUESTS_WITHOUT_CREDENTIALS)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        try:
            yield S3Server(**json.loads(told))
        finally:
            process.communicate()


def _serve() -> None:
    # Not for who only asks: they take as long to import as all tests of the server do.
    import boto3  # noqa: PLC0415
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    application = _refusing_the_nameless(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    nobody = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
    users = boto3.client("iam", endpoint_url=endpoint, region_name=REGION, **nobody)
    users.create_user(UserName="reader")
    key = users.create_access_key(UserName="reader")["AccessKey"]
    users.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument=json.dumps(_ALL_OF_S3))
    found = {"endpoint": endpoint, "access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}
    print(json.dumps(found), flush=True)
    sys.stdin.read()


def _refusing_the_nameless(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Answers requests that nobody signed as S3 does those for what is not public, where moto fails."""

    def answered(environment: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_AUTHORIZATION" in environment:
            return application(environment, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(_DENIED)))])
        return [_DENIED]

    return answered


if __name__ == "__main__":
    _serve()
