"""Read files of a folder that may come from another person: no links, no pipes, no endless files."""

from __future__ import annotations

import errno
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
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        file = os.fdopen(descriptor, "rb")
    except BaseException:
        # `fdopen` of a folder would fail and leave it open.
        os.close(descriptor)
        raise
    with file:
        yield file


def read_plain(path: Path, *, start: int = 0, size: int | None = None, at_most: int | None = None) -> bytes:
    """Return the content of a regular file, or up to `size` bytes of it from `start`.

    Raises OSError as `open_plain`, and if the file has more than `at_most` bytes.
    """
    with open_plain(path) as file:
        length = os.fstat(file.fileno()).st_size
        if at_most is not None and length > at_most:
            raise OSError(errno.EFBIG, f"it has {length:,} bytes, more than {at_most:,}", str(path))
        if start:
            file.seek(start)
        wanted = [limit for limit in (size, at_most) if limit is not None]
        return file.read(min(wanted, default=-1))
