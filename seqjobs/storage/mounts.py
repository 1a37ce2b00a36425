"""is_in_memory: whether what is written somewhere ever reaches a disk."""

from __future__ import annotations

import os
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def is_in_memory(path: Path) -> bool:
    """Whether a path, which need not be there yet, lies in a file system that is lost when the machine stops.

    False where nothing tells; only Linux does (proc_pid_mountinfo(5)).
    """
    try:
        device = _nearest(path.absolute()).stat().st_dev
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    number = f"{os.major(device)}:{os.minor(device)}"
    kinds = {line.split(" ", 3)[2]: line.partition(" - ")[2].partition(" ")[0] for line in mounts}
    return kinds.get(number) in _IN_MEMORY


def _nearest(path: Path) -> Path:
    """The path, or the folder above it that is there."""
    return next((found for found in (path, *path.parents) if found.exists()), path)
