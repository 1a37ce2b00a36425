"""Scratch: where a machine keeps the files of streamed rows, and who removes them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

import numpy as np

from seqjobs.data.dataset import Array, Split
from seqjobs.data.streamed.window import Window
from seqjobs.errors import DataError
from seqjobs.errors.printable import printable
from seqjobs.store.disk_room import FIX, full_disk

_SUFFIX = ".rows"
_BEING_WRITTEN = ".part"
# A file that nobody holds may be about to be opened by a worker that has still other things to do.
_YOUNG_SECONDS = 3600.0


def scratch_folder() -> Path:
    """Return a folder in the machine's temporary one (TMPDIR) that only this user can enter; create it if needed.

    All processes of a user find the same one. Its usual name can be guessed, so another user may have taken it; then
    the name ends at random. Raises DataError (E413) if no folder can be created.
    """
    try:
        parent = Path(tempfile.gettempdir())
        usual = parent / f"seqjobs-rows-{os.getuid()}"
        with contextlib.suppress(FileExistsError):
            usual.mkdir(mode=0o700)
        if _is_private(usual):
            return usual
        others = sorted(path for path in parent.iterdir() if path.name.startswith(f"{usual.name}-"))
        return next(filter(_is_private, others), None) or Path(tempfile.mkdtemp(prefix=f"{usual.name}-", dir=parent))
    except OSError as error:
        what = f"no folder for temporary files can be created: {error.strerror or error}"
        fix = "free space there, or set TMPDIR to another folder."
        raise DataError("E413", what, where=str(error.filename or "TMPDIR"), fix=fix) from error


def _is_private(path: Path) -> bool:
    """Whether this is a folder of this user that no other user can enter."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def free_room() -> int:
    """The bytes that the disk has left, once what killed runs left there is removed."""
    folder = scratch_folder()
    _remove(folder.iterdir(), younger_too=False)
    return shutil.disk_usage(folder).free


def remove_rows(fingerprint: str) -> None:
    """Removes the files of a dataset from this machine, unless somebody reads them."""
    with contextlib.suppress(OSError, DataError):
        _remove(scratch_folder().glob(f"{fingerprint}*"), younger_too=True)


def _remove(paths: Iterable[Path], *, younger_too: bool) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                is_young = time.time() - os.fstat(descriptor).st_mtime < _YOUNG_SECONDS
                if younger_too or not is_young:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
            finally:
                os.close(descriptor)


@final
class RowWriter:
    """A file of rows that grows; nobody else sees it before it has its name."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.path = scratch_folder() / f"{secrets.token_hex(8)}{_BEING_WRITTEN}"
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def append(self, rows: Array) -> None:
        """Raises DataError (E413) if the disk is full."""
        left = np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            folder = self.path.parent
            what = f"rows beyond data.memory cannot be written to a temporary file: {full_disk(error, folder) or error}"
            fix = f"set TMPDIR to a folder on a larger disk, or {FIX}"
            raise DataError("E413", what, where=printable(folder), fix=fix) from error

    def name(self, fingerprint: str, split: str) -> Path:
        """Gives the file the name under which others find it."""
        path = self.path.with_name(f"{fingerprint}-{split}{_SUFFIX}")
        self.path.rename(path)
        self.path = path
        return path

    def close(self) -> None:
        """Gives the file up; one that has no name is removed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if self.path.suffix == _BEING_WRITTEN:
                self.path.unlink(missing_ok=True)


@final
class SplitFiles:
    """Of streamed data, a file a split; without a window there are none. Leaving it removes those without a name."""

    def __init__(self, window: Window | None) -> None:
        self._window = window
        self._writers: dict[str, RowWriter] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def of(self, split: str) -> RowWriter | None:
        """A new file for the features of a split."""
        if self._window is None:
            return None
        return self._writers.setdefault(split, RowWriter(self._window))

    def named(self, split: str, rows: Split, fingerprint: str) -> Split:
        """The split, whose file has the name under which others find it."""
        if self._window is None:
            return rows
        features: Any = rows.features
        return replace(rows, features=replace(features, path=self._writers[split].name(fingerprint, split)))
