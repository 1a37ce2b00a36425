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
    if error.errno == errno.EDQUOT:
        return "your quota of this disk is used up"
    if error.errno == errno.EFBIG:
        limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        return f"`ulimit -f` limits files to {shown_bytes(limit)}" if limit != resource.RLIM_INFINITY else None
    if error.errno != errno.ENOSPC:
        return None
    try:
        found = shutil.disk_usage(next(folder for folder in (path, *path.absolute().parents) if folder.exists()))
    except OSError:
        return "the disk has no room for it"
    return f"the disk has no room for it; {shown_bytes(found.free)} of its {shown_bytes(found.total)} are free"
