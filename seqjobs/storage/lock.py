"""A lock on a folder that the kernel takes back when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import final

from seqjobs.errors import RunFolderError
from seqjobs.storage.durable import FILE_MODE, reported

PATIENCE_SECONDS = 0.3
"""Who asks whether the lock is held takes it for a moment; and who just took it needs one to write its name."""


@final
class Lock:
    """The flock of a file, with who holds it written inside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises RunFolderError E602, naming the holder, where it is held; StorageError where there can be none."""
        with reported("the lock cannot be taken", self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
            try:
                self._wait(descriptor)
                owner = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
                os.fchmod(descriptor, FILE_MODE)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, owner, 0)
            except BaseException:
                os.close(descriptor)
                raise
            self._descriptor = descriptor

    def give_back(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            try:
                # The next holder must not be taken for this one before it has written its name.
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, 0)
            finally:
                os.close(descriptor)

    def _wait(self, descriptor: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _try(descriptor):
            if time.monotonic() > deadline:
                what, fix = f"this run is in use by {_owner(self._path)}", "wait for that process, or stop it."
                raise RunFolderError("E602", what, where=str(self._path.parent), fix=fix)
            time.sleep(PATIENCE_SECONDS / 20)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock at this moment."""
    try:
        # Without O_NONBLOCK, a pipe of that name would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)  # shared: two who ask must not take each other for a holder
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_bytes())
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
