"""free_bytes: the memory that this process can still have, on its machine and in its container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

CGROUP = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")

# The limit, what is in use, and what of that the kernel gives up at once: files that were read.
_FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),  # version 2
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def free_bytes() -> int:
    """What the machine has free, and no more than the limits of its control groups leave (cgroups(7))."""
    return max(0, min([psutil.virtual_memory().available, *_left_by_groups()]))


def _left_by_groups() -> Iterator[int]:
    try:
        lines = CGROUP.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        kind = "memory" if controllers else ""
        # In a container the path may be that outside of it; then the top is its own.
        for group in (PurePosixPath(path), *PurePosixPath(path).parents):
            left = _left(ROOT / kind / str(group).lstrip("/"), kind)
            if left is not None:
                yield left


def _left(folder: Path, kind: str) -> int | None:
    """None where there is no limit."""
    limit, usage, given_up = _FILES[kind]
    try:
        most, used = int((folder / limit).read_text()), int((folder / usage).read_text())
        stat = dict(line.split(" ", 1) for line in (folder / "memory.stat").read_text().splitlines())
        return most - used + int(stat.get(given_up, 0))
    except (OSError, ValueError):  # among them `max`, for none
        return None
