"""Files that are there whole, or not at all, whatever is killed; private to their owner."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from seqjobs.errors import StorageError
from seqjobs.store.disk_room import FIX, full_disk

FILE_MODE = 0o600
FOLDER_MODE = 0o700
ASIDE_PREFIX = ".aside-"
_ASIDE_NAME = re.compile(rf"{re.escape(ASIDE_PREFIX)}\d+-[0-9a-f]{{8}}")
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@contextmanager
def reported(what: str, path: Path | str) -> Iterator[None]:
    """Turn an OSError inside the context into a StorageError E606 that says what did not work, and where."""
    try:
        yield
    except StorageError:  # (an OSError too)
        raise
    except OSError as error:
        raise not_written(what, path, error) from error


def not_written(what: str, path: Path | str, error: OSError) -> StorageError:
    """Return the error E606 for a file that cannot be written, with the room of the disk if that is the reason."""
    full = full_disk(error, Path(path))
    fix = FIX if full else "check the disk and the permissions there, then run the same command again."
    return StorageError("E606", f"{what}: {full or error.strerror or error}", where=str(path), fix=fix)


def make_folder(path: Path) -> None:
    """Creates a private folder and the missing ones above it; one that is there is left as it is."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        if path.is_dir():
            return
        raise
    path.chmod(FOLDER_MODE)  # mkdir's mode is cut down by the umask
    sync_folder(path.parent)


def create_once(path: Path, content: bytes) -> None:
    """Publishes a new file; on return it survives a power cut. Raises FileExistsError where the name is taken.

    A hard link is the one call that both refuses a taken name and shows the content whole.
    """

    def link(aside: Path) -> None:
        try:
            os.link(aside, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            what, fix = "this file system has no hard links, which a run's log needs", "choose another --runs-dir."
            raise StorageError("E606", what, where=str(path.parent), fix=fix) from error
        aside.unlink(missing_ok=True)

    with _published(path, link) as file:
        file.write(content)
    sync_folder(path.parent)


def replace(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Publishes a file over the one of that name, if any; a reader sees the old or the new, never a part.

    Without `lasting` nothing waits for the disk: a power cut, and nothing less, may take the file back.
    """
    with _published(path, lambda aside: aside.replace(path), synced=lasting) as file:
        file.write(content)
    if lasting:
        sync_folder(path.parent)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """As `replace`, of content that is written bit by bit; where that ends in an error nothing is published."""
    with _published(path, lambda aside: aside.replace(path)) as file:
        yield file
    sync_folder(path.parent)


def remove_asides(folder: Path, *, of: int | None = None) -> None:
    """Remove what killed writers left in a folder: the process `of`, or all, if nobody else may write there."""
    for path in folder.glob(f"{ASIDE_PREFIX}{'' if of is None else f'{of}-'}*"):
        path.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes of this user left in a folder that others may write in, too.

    A process holds the lock of the file that it is writing, until the file is published.
    """
    for path in folder.glob(f"{ASIDE_PREFIX}*"):
        if _ASIDE_NAME.fullmatch(path.name):
            with contextlib.suppress(OSError):  # (taken, gone, or not ours)
                _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        state = os.fstat(descriptor)
        if stat.S_ISREG(state.st_mode) and state.st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _published(path: Path, publish: Callable[[Path], object], *, synced: bool = True) -> Iterator[BinaryIO]:
    """A new file next to `path`, which `publish` gives its name once it is whole; gone if anything fails."""
    aside, descriptor = _new_aside(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            yield file
            file.flush()
            if synced:
                # After a failed fsync the kernel may call the pages clean; such a file is thrown away, never synced
                # again.
                os.fsync(file.fileno())
            publish(aside)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _new_aside(path: Path) -> tuple[Path, int]:
    """Create a file whose lock shows that this process is alive, see `remove_leftovers`."""
    while True:
        aside = path.with_name(f"{ASIDE_PREFIX}{os.getpid()}-{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        with contextlib.suppress(OSError):  # (not every file system has locks)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return aside, descriptor
        os.close(descriptor)  # before it was locked, another process took it for a leftover
