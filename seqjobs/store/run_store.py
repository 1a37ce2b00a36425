"""RunStore: what a run needs of the place that keeps it, in six verbs over names."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

PART_BYTES = 1 << 22
"""What is only compared is read in parts of this size."""


class RunStore(Protocol):
    """The named contents of one run.

    A name is a relative text: `run.json`, or a folder and a name, `log/00000001.jsonl`. A name that leaves the store
    raises ValueError. The verbs promise no more than an object store can keep: `create` is a conditional put, `hold`
    a lease, `list` a listing by prefix; nothing is renamed or appended to.

    What cannot be read or written raises OSError, so that the caller can say what was being done; see `reported`.
    """

    @property
    def name(self) -> str:
        """The name of the run among other runs."""

    def where(self, name: str = "") -> str:
        """Return the place of a name, or of the store, for messages: a path, or an address."""

    def create(self, name: str, content: bytes) -> None:
        """Publish a new name; on return it survives a power cut.

        Creating the same content again succeeds, so that an interrupted call may be repeated. Raises FileExistsError
        if the name has another content, which stays.
        """

    def put(self, name: str, content: bytes, *, lasting: bool = True) -> None:
        """Publish a content in place of the one before; a reader sees the old one or the new one, never a part.

        Without `lasting`, nothing waits for the disk: a power cut, and nothing less, may take the content back.
        """

    def get(self, name: str, *, start: int = 0, size: int | None = None, at_most: int | None = None) -> bytes:
        """Return a content, or up to `size` bytes of it from `start`.

        Raises FileNotFoundError if the name is not there, and another OSError if it has more than `at_most` bytes or is
        not a plain content: a symbolic link, a folder, a pipe or a device.
        """

    def list(self, folder: str = "") -> tuple[str, ...]:
        """Return the names in a folder in order, without that of the folder; of the store itself without one.

        What killed writers left is not listed. While the store is held, what is listed survives a power cut. Raises
        FileNotFoundError if the folder was never made.
        """

    def delete(self, names: Iterable[str], *, lasting: bool = True) -> None:
        """Delete names, if they are there. Without `lasting`, a power cut may bring them back."""

    def hold(self, *, must_exist: bool = False) -> AbstractContextManager[None]:
        """Hold the store, until the end of the context or of the process. It is made if it is missing.

        It saves work, safety does not depend on it: `create` decides. Raises RunFolderError E602 if another process
        holds the store, and E617 if the holder's mark is a link; with `must_exist`, NotFoundError E611 if there is no
        store.
        """

    def is_held(self) -> bool:
        """Return whether a process holds the store. Raises RunFolderError E617 if the holder's mark is a link."""

    def make_folders(self, *folders: str) -> None:
        """Make the folders that are missing, in a store that is there; on return they survive a power cut."""

    def keep_copy(self, name: str, folder: str) -> None:
        """Keep whatever has the name, also if it cannot be read, under a free name in a folder. It may be moved."""

    def remove_leftovers(self) -> None:
        """Remove what killed writers left. Call it only as the one process that may write here."""


def is_there(store: RunStore, name: str) -> bool:
    """Return whether anything has the name, including a link that leads nowhere."""
    try:
        store.get(name, size=0)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def is_link(store: RunStore, name: str) -> bool:
    """Return whether the name is a symbolic link; only a local store can have one."""
    try:
        store.get(name, size=0)
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def has_content(store: RunStore, name: str, content: bytes) -> bool:
    """Return whether a name has this content; False if it cannot be read."""
    try:
        return store.get(name, at_most=len(content)) == content
    except OSError:
        return False


def digest_of(store: RunStore, name: str) -> str:
    """Return the SHA-256 of a content of any size. Raises OSError as `RunStore.get`."""
    digest, start = hashlib.sha256(), 0
    while part := store.get(name, start=start, size=PART_BYTES):
        digest.update(part)
        start += len(part)
    return digest.hexdigest()
