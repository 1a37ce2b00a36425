"""Remove folders whole: a folder loses its name at once, and what is in it is deleted afterwards."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from seqjobs.errors import StorageError
from seqjobs.store.durable import reported, sync_folder

REMOVED_PREFIX = ".removed-"
_REMOVED_NAME = re.compile(rf"{re.escape(REMOVED_PREFIX)}\d+-[0-9a-f]{{8}}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something in a folder, at any depth."""

    path: PurePath
    """Relative to the folder."""
    mode: int
    num_bytes: int

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)


def entries_in(folder: Path) -> Iterator[Entry]:
    """Yield what is in a folder and in the folders in it; follow no link. What vanishes meanwhile is left out."""
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        with contextlib.suppress(FileNotFoundError):
            for path in sorted(inner.iterdir()):
                with contextlib.suppress(FileNotFoundError):
                    state = path.lstat()
                    num_bytes = 0 if stat.S_ISDIR(state.st_mode) else state.st_size
                    entry = Entry(path=path.relative_to(folder), mode=state.st_mode, num_bytes=num_bytes)
                    yield entry
                    if entry.is_folder:
                        waiting.append(path)


def remove_folder(folder: Path) -> None:
    """Remove a folder that no other process may use meanwhile: the caller holds its lock.

    The folder gets a hidden name first. So if this process is killed, the folder is either whole or gone, and
    `delete_leftovers` deletes what was hidden. Links in the folder are deleted, not followed.

    Raises:
        StorageError: If the folder cannot be renamed, and so is still whole; or if something in it cannot be deleted.
    """
    hidden = folder.with_name(f"{REMOVED_PREFIX}{os.getpid()}-{secrets.token_hex(4)}")
    with reported("the folder cannot be removed", folder):
        folder.rename(hidden)
        # Otherwise a power cut could bring back the name, for a folder that is half deleted.
        sync_folder(folder.parent)
    try:
        _delete(hidden)
    except OSError as error:
        what = f"{folder.name} is removed, but its files cannot all be deleted: {error.strerror}"
        fix = "correct the permissions there; the next `seqjobs gc` deletes them."
        raise StorageError("E606", what, where=str(hidden), fix=fix) from error


def delete_leftovers(parent: Path) -> None:
    """Delete what killed processes of this user hid in a folder, see `remove_folder`."""
    for path in parent.glob(f"{REMOVED_PREFIX}*"):
        with contextlib.suppress(OSError):
            state = path.lstat()
            is_own = stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid()
            if is_own and _REMOVED_NAME.fullmatch(path.name):
                _delete(path)


def _delete(folder: Path) -> None:
    """Delete a hidden folder, which another process may delete at the same time."""
    while folder.exists():
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
