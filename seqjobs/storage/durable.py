"""Files that are there whole, or not at all, whatever is killed; private to their owner."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from seqjobs.errors import StorageError
from seqjobs.storage.disk_room import FIX, full_disk

FILE_MODE = 0o600
FOLDER_MODE = 0o700
ASIDE_PREFIX = ".aside-"
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@contextmanager
def reported(what: str, path: Path) -> Iterator[None]:
    """Within it an OSError becomes a StorageError E606 that says `what` did not work, and with which path."""
    try:
        yield
    except StorageError:  # (an OSError too)
        raise
    except OSError as error:
        raise not_written(what, path, error) from error


def not_written(what: str, path: Path, error: OSError) -> StorageError:
    """Return the error E606 for a file that cannot be written, with the room of the disk if that is the reason."""
    full = full_disk(error, path)
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
    aside = _write_aside(path, content)
    try:
        os.link(aside, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        what, fix = "this file system has no hard links, which a run's log needs", "choose another --runs-dir."
        raise StorageError("E606", what, where=str(path.parent), fix=fix) from error
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Publishes a file over the one of that name, if any; a reader sees the old or the new, never a part.

    Without `lasting` nothing waits for the disk: a power cut, and nothing less, may take the file back.
    """
    aside = _write_aside(path, content, synced=lasting)
    try:
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if lasting:
        sync_folder(path.parent)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """As `replace`, of content that is written bit by bit; where that ends in an error nothing is published."""
    aside = _aside_of(path)
    with _created(aside) as file:
        yield file
    try:
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Removes a file, if it is there; on return it stays removed."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_asides(folder: Path, *, of: int | None = None) -> None:
    """Remove what killed writers left in a folder: the process `of`, or all, if nobody else may write there."""
    for path in folder.glob(f"{ASIDE_PREFIX}{'' if of is None else f'{of}-'}*"):
        path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_aside(path: Path, content: bytes, *, synced: bool = True) -> Path:
    aside = _aside_of(path)
    with _created(aside, synced=synced) as file:
        file.write(content)
    return aside


def _aside_of(path: Path) -> Path:
    return path.with_name(f"{ASIDE_PREFIX}{os.getpid()}-{secrets.token_hex(4)}")


@contextmanager
def _created(aside: Path, *, synced: bool = True) -> Iterator[BinaryIO]:
    """A new file, which is gone again where writing it fails."""
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            yield file
            file.flush()
            if synced:
                # After a failed fsync the kernel may call the pages clean; such a file is thrown away, never synced
                # again.
                os.fsync(file.fileno())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
