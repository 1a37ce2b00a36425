"""private_folder: a place for a local cluster's token, sockets and logs that goes away with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from seqjobs.errors import ClusterError
from seqjobs.store.lock import Lock, is_held

PREFIX = "seqjobs-"
RAY = "ray"
"""The folder in it that Ray makes."""
_LOCK = "lock"
# Between making a folder and holding its lock lies a moment in which it looks like one that was left behind.
_YOUNG_SECONDS = 60.0
# A socket's path may have 107 bytes, and Ray's sockets have 65 below its own folder.
_LONGEST_PARENT = 21
# What Ray writes there as it starts, and then some: where there is less its processes die one by one.
_LEAST_FREE_BYTES = 32 * 2**20


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A temporary folder that only this user may enter; also removes those of processes that were killed.

    In it RAY may stand, whose sockets need a short path: where TMPDIR is long it is not followed. Raises ClusterError
    E521 where there is no place for it.
    """
    folder = _made()
    lock = Lock(folder / _LOCK)
    try:
        lock.take()
        yield folder
    finally:
        lock.give_back()
        shutil.rmtree(folder, ignore_errors=True)


def _made() -> Path:
    fix = "free space there, or set TMPDIR to another folder with a short name."
    parent = "/tmp"
    try:
        parent = tempfile.gettempdir()
        if len(parent) > _LONGEST_PARENT:
            parent = "/tmp"
        _remove_left_behind(Path(parent))
        free = shutil.disk_usage(parent).free
        if free < _LEAST_FREE_BYTES:
            what = f"a local Ray writes into this folder, which has only {free // 2**20} MiB of the "
            raise ClusterError("E521", f"{what}{_LEAST_FREE_BYTES // 2**20} MiB that it needs", where=parent, fix=fix)
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        what = f"a local Ray cannot write into this folder: {error.strerror or error}"
        raise ClusterError("E521", what, where=parent, fix=fix) from error


def _remove_left_behind(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
            if ours and time.time() - found.st_mtime > _YOUNG_SECONDS and _has_no_owner(folder, found.st_mode):
                shutil.rmtree(folder, ignore_errors=True)


def _has_no_owner(folder: Path, mode: int) -> bool:
    """Return whether the owner of a folder was killed, or has removed it before a late worker made it again.

    A worker whose raylet is killed while it starts makes Ray's folders seconds later, with the user's umask.
    """
    lock = folder / _LOCK
    if lock.is_file():
        return not mode & 0o077 and not is_held(lock)
    return [path.name for path in folder.iterdir()] == [RAY]
