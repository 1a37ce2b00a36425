"""RunsFolder: the stores of many runs, in a folder of a local or mounted file system."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import final

from seqjobs.errors import RunFolderError
from seqjobs.errors.printable import printable
from seqjobs.store import durable
from seqjobs.store.folder_removal import REMOVED_PREFIX, delete_leftovers
from seqjobs.store.local_store import LOCK, LocalStore
from seqjobs.store.run_store import RunStore


@final
class RunsFolder:
    """A folder with a folder for each run, named by the run's ID."""

    def __init__(self, path: str | Path) -> None:
        """Store the path. Raises RunFolderError E601 for an address, of which Path would make a folder `s3:`."""
        if isinstance(path, str) and "://" in path:
            what = "runs are kept on this machine, not at an address"
            raise RunFolderError("E601", what, where=printable(path), fix="name a local or mounted folder.")
        self._path = Path(path)

    @property
    def where(self) -> str:
        return str(self._path)

    def store(self, run_id: str) -> LocalStore:
        """Return the store of a run, which need not be there."""
        return LocalStore(self._path / run_id)

    def with_file(self, name: str) -> tuple[LocalStore, ...]:
        """Return the stores that have a file of this name, the last one written first."""
        if not self._path.is_dir():
            return ()
        roots = [path for path in self._path.iterdir() if _has_file(path, name)]
        roots.sort(key=lambda root: (_modified(root / name), root.name), reverse=True)
        return tuple(map(LocalStore, roots))

    def make(self, run_id: str, *, longest: int) -> LocalStore:
        """Make a folder for a run, and return its store; the ID gets a number if a folder has that name.

        `longest` is how many characters the name may have. Raises StorageError E606.
        """
        with durable.reported("the run's folder cannot be created", self._path):
            durable.make_folder(self._path)
            for number in itertools.count(1):
                ending = "" if number == 1 else f"-{number}"
                root = self._path / f"{run_id[: longest - len(ending)]}{ending}"
                with contextlib.suppress(FileExistsError):
                    root.mkdir(mode=durable.FOLDER_MODE)
                    return LocalStore(root)
        raise AssertionError("there is always another number")

    def delete_leftovers(self) -> None:
        """Delete what killed processes left of runs that they removed."""
        delete_leftovers(self._path)

    def remove_unused(self, store: RunStore) -> None:
        """Remove the folder of a run that holds nothing but its lock: it was made, and nothing began in it."""
        root = self._path / store.name
        with contextlib.suppress(OSError):
            if {path.name for path in root.iterdir()} <= {LOCK}:
                (root / LOCK).unlink(missing_ok=True)
                root.rmdir()


def _has_file(root: Path, name: str) -> bool:
    """Return whether this user can see the file, and the folder is not what a killed `remove_folder` has left."""
    with contextlib.suppress(PermissionError):
        return not root.name.startswith(REMOVED_PREFIX) and (root / name).is_file()
    return False


def _modified(file: Path) -> int:
    with contextlib.suppress(OSError):  # the run may have been removed by now
        return file.stat().st_mtime_ns
    return 0


def store_at(path: str, name: str) -> LocalStore | None:
    """Return the store at a path, if it has a file of this name."""
    return LocalStore(path) if (Path(path) / name).is_file() else None
