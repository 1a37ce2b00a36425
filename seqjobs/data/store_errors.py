"""store_errors: turn the errors of the clients of stores into DataErrors, without the contents of answers.

An answer may come from a server that was never meant to be asked, so no part of one is shown: a client's message is
reduced to its operation, its own code and the HTTP status.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from seqjobs.data.store_proxy import StoreProxy
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable

MESSAGE_LENGTH = 300

_AWS = re.compile(r"AWS Error (?P<code>\w+|\[code \d+\])(?: \(HTTP status (?P<status>\d+)\))? during (?P<task>\w+)")
_GOOGLE = re.compile(r"google::cloud::Status\((?P<code>[A-Z_]+)\b(?:.*?HTTP status code: (?P<status>\d{3})\b)?")
_AZURE = re.compile(r"Azure Error: \[\w*\] (?P<status>\d{3})\b")
# What a client says of a connection. Its words come from libcurl, and not from the other side.
_SILENT = re.compile(
    r"AWS Error NETWORK_CONNECTION during \w+ operation: (?:.*?Details: )?(.*)|CURL error \[\d+\]=([A-Za-z' ]+)"
)
_REFUSED = re.compile(
    r"AWS Error ((?:ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_SIGNATURE|"
    r"INVALID_CLIENT_TOKEN_ID|UNRECOGNIZED_CLIENT|MISSING_AUTHENTICATION_TOKEN|REQUEST_EXPIRED)\b|"
    r"UNKNOWN \(HTTP status 40[13]\))"
)
# Names that S3 gives to a request for a bucket of another region. Arrow's client does not know them.
_OTHER_REGION = re.compile(
    r"ExceptionName: (PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint)"
    r"|HTTP status (30[127])\b"
)


@contextmanager
def store_errors(name: str, proxy: StoreProxy | None) -> Iterator[None]:
    """Within the block, errors of a store become DataErrors. `name` is the requested path."""
    if proxy is not None:
        proxy.forget()
    try:
        yield
    except DataError as error:
        raise DataError(error.code, error.what, where=error.where or printable(name), fix=error.fix) from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise unreachable(name, str(error), proxy) from error
    if proxy is not None and proxy.refusal is not None:  # a client may take a refusal for a file that is not there
        raise unreachable(name, "", proxy)


def unreachable(name: str, message: str, proxy: StoreProxy | None) -> DataError:
    """Return the error for a store that does not return what was requested.

    It is E401, or what the proxy refused: E707 an address that serves credentials, E710 a redirect to another host.

    Args:
        name: The requested path.
        message: What the store's client says.
        proxy: What the client reaches the store through, if it has a proxy.
    """
    where = printable(name)
    if proxy is not None and proxy.refusal is not None:
        refusal = proxy.refusal
        return DataError(refusal.code, refusal.what, where=where, fix=refusal.fix)
    line = printable((message.strip().splitlines() or ["no reason given"])[0]).rstrip(".")
    silent = _SILENT.search(line)
    if refused := _REFUSED.search(line):
        what = f"the store refuses access ({refused[1]})"
        fix = (
            "set credentials with read access in the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
            "public data needs data.storage.anonymous: true."
        )
    elif silent or (proxy is not None and proxy.failure):
        reason = (proxy.failure if proxy is not None else "") or (silent[1] or silent[2] if silent else "")
        what = f"the store cannot be reached: {reason[:MESSAGE_LENGTH]}"
        fix = (
            "check the network and data.storage.endpoint, or AWS_ENDPOINT_URL in the environment; the address begins "
            "with http:// if the store has no TLS."
        )
    elif region := _OTHER_REGION.search(line):
        what = f"the bucket is in another region or store ({region[1] or f'HTTP status {region[2]}'})"
        fix = "set data.storage.region to the region of the bucket, and data.storage.endpoint if it is not Amazon's."
    else:
        what = f"the store cannot be read: {_without_contents(line)[:MESSAGE_LENGTH]}"
        fix = "check the path, the credentials in the environment, and data.storage.region and data.storage.endpoint."
    return DataError("E401", what, where=where, fix=fix)


def _without_contents(line: str) -> str:
    """Return what a client says of an answer; a message of another kind is Arrow's own."""
    for kind in (_AWS, _GOOGLE, _AZURE):
        if found := kind.search(line):
            parts = found.groupdict()
            details = [parts.get("code"), f"HTTP status {parts['status']}" if parts.get("status") else None]
            task = f" to {parts['task']}" if parts.get("task") else ""
            return f"its answer{task} is an error: {', '.join(filter(None, details))}"
    return line
