"""LocalStore: a run in a folder of a local or mounted file system."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

from seqjobs.errors import RunFolderError
from seqjobs.store import durable
from seqjobs.store.durable import ASIDE_PREFIX
from seqjobs.store.folder_removal import Entry, delete_leftovers, entries_in, remove_folder
from seqjobs.store.lock import Lock, is_held
from seqjobs.store.plain_file import read_plain
from seqjobs.store.run_store import has_content

LOCK = "lock"
"""The file whose lock the holder has; it is not listed."""


@final
class LocalStore:
    """A folder, its files, and one level of folders in it. See `RunStore` for what its verbs promise.

    No link is followed, so a folder from another person leads nowhere else. The folder itself may be reached through
    links.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root)
        self._is_held = False
        self._made: set[str] = set()

    @property
    def name(self) -> str:
        return self._root.name

    def where(self, name: str = "") -> str:
        return str(self._root / name)

    def create(self, name: str, content: bytes) -> None:
        path = self._path(name)
        try:
            durable.create_once(path, content)
        except FileExistsError:
            if not has_content(self, name, content):
                raise
            durable.sync_folder(path.parent)

    def put(self, name: str, content: bytes, *, lasting: bool = True) -> None:
        durable.replace(self._path(name), content, lasting=lasting)

    def get(self, name: str, *, start: int = 0, size: int | None = None, at_most: int | None = None) -> bytes:
        return read_plain(self._path(name), start=start, size=size, at_most=at_most)

    def list(self, folder: str = "") -> tuple[str, ...]:
        path = self._folder(folder)
        # Not `glob`, which would pass over a folder that may not be read.
        names = os.listdir(path)  # noqa: PTH208
        if self._is_held:
            # A process that died after it published a name may have left that name only in memory.
            with durable.reported("the names in this folder cannot be made durable", path):
                durable.sync_folder(path)
        hidden = {LOCK} if not folder else set()
        return tuple(sorted(name for name in names if name not in hidden and not name.startswith(ASIDE_PREFIX)))

    def delete(self, names: Iterable[str], *, lasting: bool = True) -> None:
        paths = [self._path(name) for name in names]
        for path in paths:
            path.unlink(missing_ok=True)
        if lasting:
            for folder in {path.parent for path in paths}:
                durable.sync_folder(folder)

    @contextlib.contextmanager
    def hold(self, *, must_exist: bool = False) -> Iterator[None]:
        self._check_lock()
        if not must_exist:
            with durable.reported("the run's folder cannot be created", self._root):
                durable.make_folder(self._root)
        lock = Lock(self._root / LOCK)
        lock.take()
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            lock.give_back()

    def is_held(self) -> bool:
        self._check_lock()
        return is_held(self._root / LOCK)

    def make_folders(self, *folders: str) -> None:
        missing = [folder for folder in folders if folder not in self._made]
        if not missing:
            return
        for folder in missing:
            path = self._folder(folder)
            if not path.is_dir():
                # Not its parents: a run that was removed is not created again.
                path.mkdir(mode=durable.FOLDER_MODE)
                path.chmod(durable.FOLDER_MODE)  # mkdir's mode is cut down by the umask
        # A process that made one of them may have been killed before its name was durable.
        durable.sync_folder(self._root)
        durable.sync_folder(self._root.parent)
        self._made.update(missing)

    def keep_copy(self, name: str, folder: str) -> None:
        path, into = self._path(name), self._folder(folder)
        try:
            is_folder = stat.S_ISDIR(path.lstat().st_mode)
        except OSError:
            return
        copy, numbers = into / path.name, itertools.count(1)
        while os.path.lexists(copy):
            copy = into / f"{path.stem}-{next(numbers)}{path.suffix}"
        if is_folder:
            path.rename(copy)
        else:
            os.link(path, copy, follow_symlinks=False)
        durable.sync_folder(into)

    def remove_leftovers(self) -> None:
        durable.remove_asides(self._root)
        with os.scandir(self._root) as entries:
            folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        for folder in folders:
            durable.remove_asides(Path(folder))

    @property
    def is_link(self) -> bool:
        """Whether the folder itself is a link to another one."""
        return self._root.is_symlink()

    def resolved(self) -> LocalStore:
        """Return the store under its folder's own name, so that `.` can be removed; a link stays what it is."""
        return self if self.is_link else LocalStore(self._root.resolve())

    def entries(self) -> tuple[Entry, ...]:
        """Return everything in the folder, at any depth, whether it is of a run or not. Raises OSError."""
        return tuple(entries_in(self._root))

    def remove(self) -> None:
        """Remove the folder whole, which this process holds, and what killed processes left of others next to it.

        Raises StorageError as `remove_folder`.
        """
        delete_leftovers(self._root.parent)
        remove_folder(self._root)

    def _path(self, name: str) -> Path:
        """Return the path of a name. Raises ValueError for one that leaves the store or is the store's own."""
        folder, _, last = name.rpartition("/")
        if "\0" in name or last in ("", ".", "..") or last.startswith(ASIDE_PREFIX) or name == LOCK:
            raise ValueError(f"{name!r} is not a name of a store")
        return self._folder(folder) / last

    def _folder(self, name: str) -> Path:
        """Return the path of a folder in the store. Raises ValueError for a name as `_path`, E617 for a link."""
        if not name:
            return self._root
        if name in (".", "..") or "/" in name or "\0" in name:
            raise ValueError(f"{name!r} is not a folder of a store")
        path = self._root / name
        if path.is_symlink():
            raise linked(path)
        return path

    def _check_lock(self) -> None:
        path = self._root / LOCK
        if path.is_symlink():
            raise linked(path)


def linked(path: Path | str) -> RunFolderError:
    """Return the error E617 for a part of a run that is a symbolic link."""
    what, fix = "this is a symbolic link, and a run has none", "put the files themselves there."
    return RunFolderError("E617", what, where=str(path), fix=fix)
