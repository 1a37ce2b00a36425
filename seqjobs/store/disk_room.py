"""full_disk: what a message says of a write that failed because a disk has no room."""

from __future__ import annotations

import errno
import resource
import shutil
from pathlib import Path

from seqjobs.errors.sizes import shown_bytes

FIX = "free space there or raise the limit, then run the same command again."


def full_disk(error: OSError, path: Path) -> str | None:
    """Return why there is no room for `path`, with what is free, or None if the error has another reason."""
    reason = error.strerror or str(error)
    if error.errno == errno.EFBIG:
        limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        return (
            None if limit == resource.RLIM_INFINITY else f"{reason}; `ulimit -f` limits files to {shown_bytes(limit)}"
        )
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    try:
        found = shutil.disk_usage(next(folder for folder in (path, *path.absolute().parents) if folder.exists()))
    except OSError:
        return reason
    # A part of the file may have been removed again.
    return f"{reason}; {shown_bytes(found.free)} of {shown_bytes(found.total)} are free, which is too little"
