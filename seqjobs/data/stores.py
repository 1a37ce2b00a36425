"""Stores: object stores and HDFS, and the files there that the paths of a spec name."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from pyarrow import fs

from seqjobs.data.reading_note import reading
from seqjobs.data.source_file import SourceFile
from seqjobs.data.store_address import store_addresses
from seqjobs.data.store_errors import store_errors
from seqjobs.data.store_proxy import CONNECT_SECONDS, StoreProxy
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.jobspec.data_files import WITH_BUCKETS, format_name, is_data, scheme_of
from seqjobs.jobspec.data_section import StorageSpec
from seqjobs.jobspec.store_hosts import host_of

# A request is tried three times. This is how long a store may send nothing.
REQUEST_SECONDS = 20
# Variables by which Amazon's own tools find another store with the API of S3. Arrow reads none of them.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_MAGIC_CHARACTERS = frozenset("*?[")


def files_in_store(uri: str, options: StorageSpec) -> list[tuple[SourceFile, tuple[str, ...]]]:
    """Return the data files of a path such as `s3://bucket/train/*.parquet`, sorted.

    Each comes with its folders below the fixed part of the path.
    The path is a file, a folder or a glob, as a local path is. Raises DataError: E401 if nothing is there or the store
    cannot be reached, E415 for a file of another format, E707 if the store's address serves credentials, E710 if the
    store redirects to another host.
    """
    scheme = scheme_of(uri) or ""
    place, _, path = uri.partition("://")[2].partition("/")
    parts = PurePosixPath(path).parts
    num_fixed = next((index for index, part in enumerate(parts) if not _MAGIC_CHARACTERS.isdisjoint(part)), len(parts))
    fixed, pattern = parts[:num_fixed], parts[num_fixed:]
    proxy = _proxy(place, _endpoint(scheme, options)) if scheme == "s3" else None
    with reading(uri), store_errors(uri, proxy):
        store, root = _open(scheme, place, PurePosixPath(*fixed), options)
        # Listing a bucket that does not exist finds no file, and does not fail.
        found = list(_files(store, root, pattern))
        has_bucket = bool(found) or scheme not in WITH_BUCKETS or _is_there(store, root.parts[0])
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
        files.append((SourceFile(path=root.joinpath(*below), name=name, store=store, proxy=proxy), below[:-1]))
    return files


@functools.cache
def _proxy(place: str, endpoint: str) -> StoreProxy:  # noqa: ARG001 - one proxy per store
    """Return what the bucket `place` is reached through. It stays, since a spec may name thousands of files of one."""
    return StoreProxy.start()


def _open(scheme: str, place: str, fixed: PurePosixPath, options: StorageSpec) -> tuple[Any, PurePosixPath]:
    """Return the file system, and the path in it."""
    protocol, _, host = _endpoint(scheme, options).rpartition("://")
    if scheme == "s3":
        # Arrow asks Amazon without credentials.
        region = options.region or (None if host else fs.resolve_s3_region(place))
        store = fs.S3FileSystem(
            anonymous=options.anonymous,
            region=region,
            endpoint_override=host or None,
            scheme=protocol or "https",
            connect_timeout=CONNECT_SECONDS,
            request_timeout=REQUEST_SECONDS,
            proxy_options=_proxy(place, _endpoint(scheme, options)).options,
        )
        return store, PurePosixPath(place) / fixed
    # The other clients follow no redirect. They resolve the name again, which a proxy would do once.
    if named := host if scheme == "gs" else place.rpartition("@")[2]:
        _check_addresses(host_of(named))
    if scheme == "gs":
        store = fs.GcsFileSystem(
            anonymous=options.anonymous, endpoint_override=host or None, scheme=protocol or "https"
        )
        return store, PurePosixPath(place) / fixed
    store, path = fs.FileSystem.from_uri(f"{scheme}://{place}/{fixed}")
    return store, PurePosixPath(path)


def _check_addresses(host: str) -> None:
    """Raises DataError (E707) if a name resolves to an address that serves credentials."""
    with contextlib.suppress(OSError):  # the name may be one that only the client knows, such as an account of Azure
        store_addresses(host.strip("[]"), 0)


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
