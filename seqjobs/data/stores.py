"""Stores: object stores and HDFS, and the files there that the paths of a spec name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from pyarrow import fs

from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.spec.data_files import WITH_BUCKETS, format_name, is_data, scheme_of
from seqjobs.spec.data_section import StorageSpec

# A request is tried three times. REQUEST_SECONDS is how long a store may send nothing.
CONNECT_SECONDS = 10
REQUEST_SECONDS = 20
# Variables by which Amazon's own tools find another store with the API of S3. Arrow reads none of them.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_MAGIC_CHARACTERS = frozenset("*?[")
MESSAGE_LENGTH = 300

# Arrow's errors differ only in their messages.
_REFUSED = re.compile(
    r"AWS Error ((?:ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_SIGNATURE|"
    r"INVALID_CLIENT_TOKEN_ID|UNRECOGNIZED_CLIENT|MISSING_AUTHENTICATION_TOKEN|REQUEST_EXPIRED)\b|"
    r"UNKNOWN \(HTTP status 40[13]\))"
)
_SILENT = re.compile(r"AWS Error NETWORK_CONNECTION during \w+ operation: (?:.*?Details: )?(.*)")


def files_in_store(uri: str, options: StorageSpec) -> list[tuple[SourceFile, tuple[str, ...]]]:
    """Return the data files of a path such as `s3://bucket/train/*.parquet`, sorted.

    Each comes with its folders below the fixed part of the path.
    The path is a file, a folder or a glob, as a local path is. Raises DataError: E401 if nothing is there or the store
    cannot be reached, E415 for a file of another format.
    """
    scheme = scheme_of(uri) or ""
    place, _, path = uri.partition("://")[2].partition("/")
    parts = PurePosixPath(path).parts
    num_fixed = next((index for index, part in enumerate(parts) if not _MAGIC_CHARACTERS.isdisjoint(part)), len(parts))
    fixed, pattern = parts[:num_fixed], parts[num_fixed:]
    try:
        store, root = _open(scheme, place, PurePosixPath(*fixed), options)
        # Listing a bucket that does not exist finds no file, and does not fail.
        found = list(_files(store, root, pattern))
        has_bucket = bool(found) or scheme not in WITH_BUCKETS or _is_there(store, root.parts[0])
    except (OSError, ValueError) as error:
        raise unreachable(uri, str(error)) from error
    if not has_bucket:
        what = f"there is no bucket '{printable(place)}'"
        raise DataError("E401", what, where=printable(uri), fix="correct the path, or data.storage.endpoint.")
    if not found:
        what = "this pattern matches no data file" if pattern else "there is no data file"
        raise DataError("E401", what, where=printable(uri), fix="correct the path.")
    begin = f"{uri.partition('://')[0]}://{'/'.join((place, *fixed))}"
    files = []
    for below in sorted(found):
        name = "/".join((begin, *below))
        format_name(name)
        files.append((SourceFile(path=root.joinpath(*below), name=name, store=store), below[:-1]))
    return files


def _open(scheme: str, place: str, fixed: PurePosixPath, options: StorageSpec) -> tuple[Any, PurePosixPath]:
    """Return the file system, and the path in it."""
    protocol, _, host = _endpoint(scheme, options).rpartition("://")
    if scheme == "s3":
        region = options.region or (None if host else fs.resolve_s3_region(place))
        store = fs.S3FileSystem(
            anonymous=options.anonymous,
            region=region,
            endpoint_override=host or None,
            scheme=protocol or "https",
            connect_timeout=CONNECT_SECONDS,
            request_timeout=REQUEST_SECONDS,
        )
        return store, PurePosixPath(place) / fixed
    if scheme == "gs":
        store = fs.GcsFileSystem(
            anonymous=options.anonymous, endpoint_override=host or None, scheme=protocol or "https"
        )
        return store, PurePosixPath(place) / fixed
    store, path = fs.FileSystem.from_uri(f"{scheme}://{place}/{fixed}")
    return store, PurePosixPath(path)


def _endpoint(scheme: str, options: StorageSpec) -> str:
    """Return `http://host:9000`, or `host:9000` if the scheme is not known; empty for the cloud's own."""
    named = [os.environ.get(name, "") for name in _ENDPOINTS] if scheme == "s3" else []
    return next(filter(None, [options.endpoint, *named]), "").rstrip("/")


def _files(store: Any, root: PurePosixPath, pattern: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the parts of each file's path below `root`; no parts if `root` is a file itself."""
    (info,) = store.get_file_info([str(root)])
    if info.type == fs.FileType.File and not pattern:
        yield ()
        return
    selector = fs.FileSelector(str(root), recursive=True, allow_not_found=True)
    for found in store.get_file_info(selector):
        below = PurePosixPath(found.path).relative_to(root).parts
        if found.type != fs.FileType.File or any(part.startswith((".", "_")) for part in below):
            continue
        if _matches(below, pattern) if pattern else is_data(below[-1]):
            yield below


def _is_there(store: Any, path: str) -> bool:
    (info,) = store.get_file_info([path])
    return bool(info.type != fs.FileType.NotFound)


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        rest = pattern[1:] or ("*",)
        return any(_matches(parts[start:], rest) for start in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def unreachable(name: str, message: str) -> DataError:
    """Return the error E401 for a store that does not return what was requested; `name` is the requested path."""
    line = printable((message.strip().splitlines() or ["no reason given"])[0]).rstrip(".")
    if refused := _REFUSED.search(line):
        what = f"the store refuses access ({refused[1]})"
        fix = (
            "set credentials with read access in the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
            "public data needs data.storage.anonymous: true."
        )
    elif silent := _SILENT.search(line):
        what = f"the store cannot be reached: {silent[1][:MESSAGE_LENGTH]}"
        fix = (
            "check the network and data.storage.endpoint, or AWS_ENDPOINT_URL in the environment; the address begins "
            "with http:// if the store has no TLS."
        )
    else:
        what = f"the store cannot be read: {line[:MESSAGE_LENGTH]}"
        fix = "check the path, the credentials in the environment, and data.storage.region and data.storage.endpoint."
    return DataError("E401", what, where=printable(name), fix=fix)
