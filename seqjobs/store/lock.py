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

from seqjobs.errors import NotFoundError, RunFolderError
from seqjobs.store.durable import FILE_MODE, reported

PATIENCE_SECONDS = 0.3
"""Who asks whether the lock is held takes it for a moment; and who just took it needs one to write its name."""


@final
class Lock:
    """The flock of a file, with who holds it written inside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock.

        Raises:
            RunFolderError: E602, which names the holder, if a process holds the lock.
            NotFoundError: E611 if the folder is not there, because a process removed it at this moment.
            StorageError: If the file cannot be locked.
        """
        with reported("the lock cannot be taken", self._path):
            while self._descriptor is None:
                self._descriptor = self._lock_file()

    def _lock_file(self) -> int | None:
        """Return a descriptor of the file, locked and with this process's name in it; None if it was replaced."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        except FileNotFoundError:
            what, fix = "this run was removed at this moment", "run the same command again."
            raise NotFoundError("E611", what, where=str(self._path.parent), fix=fix) from None
        is_ours = False
        try:
            self._wait(descriptor)
            if not self._is_current(descriptor):
                return None
            owner = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
            os.fchmod(descriptor, FILE_MODE)
            os.ftruncate(descriptor, 0)
            # A full disk has no room for the name, and `seqjobs rm` is what makes room.
            with contextlib.suppress(OSError):
                os.pwrite(descriptor, owner, 0)
            is_ours = True
            return descriptor
        finally:
            if not is_ours:
                os.close(descriptor)

    def _is_current(self, descriptor: int) -> bool:
        """Return whether the path still leads to the locked file, and not to none or another one.

        A process that removes the folder holds the lock meanwhile. One that has opened the file before gets the lock
        of a file that no longer has a name, which keeps no other process away.
        """
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except FileNotFoundError:
            return False

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
