"""free_bytes: the memory that this process can still have, on its machine and in its container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

from seqjobs.errors.out_of_memory import address_limit

CGROUP = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")

# The limit, the memory in use, and the part of it that the kernel frees at once: the cache of files.
_FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),  # version 2
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def free_bytes() -> int:
    """Return the memory that this process can still have.

    That is the free memory of the machine, or less if the limits of its control groups (cgroups(7)) or the limit of
    its own addresses (RLIMIT_AS, setrlimit(2)) leave less.
    """
    return max(0, min([free_bytes_of_machine(), *_left_by_limit()]))


def free_bytes_of_machine() -> int:
    """Return the free memory of the machine, or less if the limits of control groups leave less."""
    return max(0, min([psutil.virtual_memory().available, *_left_by_groups()]))


def _left_by_limit() -> Iterator[int]:
    limit = address_limit()
    if limit is not None:
        yield limit - psutil.Process().memory_info().vms


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
        # In a container the path may be the one outside of it; then the top group is its own.
        for group in (PurePosixPath(path), *PurePosixPath(path).parents):
            left = _left(ROOT / kind / str(group).lstrip("/"), kind)
            if left is not None:
                yield left


def _left(folder: Path, kind: str) -> int | None:
    """Return the bytes that a group has left, or None if it has no limit."""
    limit, usage, given_up = _FILES[kind]
    try:
        most, used = int((folder / limit).read_text()), int((folder / usage).read_text())
        stat = dict(line.split(" ", 1) for line in (folder / "memory.stat").read_text().splitlines())
        return most - used + int(stat.get(given_up, 0))
    except (OSError, ValueError):  # among them `max`, for none
        return None
