"""Read files of a folder that may come from another person: no links, no pipes, no endless files."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path


@contextmanager
def open_plain(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading. Raises OSError, also for a symbolic link, a folder, a pipe or a device."""
    try:
        # Without O_NONBLOCK, a pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        yield file


def read_plain(path: Path, *, at_most: int | None = None) -> bytes:
    """Return the content of a regular file. Raises OSError as `open_plain`, and if it has more than `at_most` bytes."""
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if at_most is not None and size > at_most:
            raise OSError(errno.EFBIG, f"it has {size:,} bytes, more than {at_most:,}", str(path))
        return file.read(-1 if at_most is None else at_most)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a regular file of any size. Raises OSError as `open_plain`."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_there(path: Path) -> bool:
    """Return whether anything has the name, a link that leads nowhere included."""
    return os.path.lexists(path)
