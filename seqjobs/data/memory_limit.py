"""memory_limit: what is decoded may not take more memory than is free, whatever a file claims or hides."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from seqjobs.data.free_memory import free_bytes

Item = TypeVar("Item")

SHARE = 0.75
"""Of the free memory, for what is decoded at once: the arrays that it goes into need the rest, for a column of 64 bits
becomes one of 32."""
LEAST = 64 << 20
"""However little is free: threads that Arrow starts have stacks."""

_STATM = Path("/proc/self/statm")
_DATA_PAGES = 5
# The limit is the process's, so that two threads would take each other's for what was there before.
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def memory_limit() -> Iterator[None]:
    """Within it, an allocation beyond the share of the free memory fails: of Arrow and Python with an error that says
    so, while Arrow's reader of ORC, which does not look, ends the process and nothing else of the machine.

    Only Linux keeps to it (RLIMIT_DATA, setrlimit(2)); elsewhere nothing is limited.
    """
    in_use = _data_bytes()
    if in_use is None:
        yield
        return
    with _ONE_AT_A_TIME:
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = in_use + max(LEAST, int(free_bytes() * SHARE))
        limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *limits]), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def within_memory(items: Iterator[Item]) -> Iterator[Item]:
    """The items, each made within `memory_limit`; what is done with them is not."""
    end = object()
    while True:
        with memory_limit():
            item = next(items, end)
        if item is end:
            return
        yield item  # type: ignore[misc] # it is no `end`


def _data_bytes() -> int | None:
    """What of this process counts for the limit; None where nothing tells."""
    try:
        return int(_STATM.read_text().split()[_DATA_PAGES]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return None
