"""memory_limit: decoding a file may not take more memory than is free, whatever the file claims."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, final

from seqjobs.data.free_memory import free_bytes

Item = TypeVar("Item")

SHARE = 0.75
"""The share of the free memory for decoding. The arrays need the rest, as a column of 64 bits becomes one of 32."""
LEAST = 64 << 20
"""Bytes that are allowed however little is free: the threads of Arrow need stacks."""

_STATM = Path("/proc/self/statm")
_DATA_PAGES = 5
# The limit is that of the process: of two threads, one would restore the limit of the other.
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def memory_limit() -> Iterator[None]:
    """Within it, an allocation beyond the share of the free memory fails.

    Arrow and Python then raise an error. Arrow's reader of ORC ends the process instead, and harms no other process.
    Only Linux has this limit (RLIMIT_DATA, setrlimit(2)); elsewhere nothing is limited.
    """
    with _Limit().held():
        yield


def within_memory(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; each is made within `memory_limit`, but not used within it."""
    end, limit = object(), _Limit()
    while True:
        with limit.held():
            item = next(items, end)
        if item is end:
            return
        yield item  # type: ignore[misc] # it is no `end`


@final
class _Limit:
    """Measures the free memory again once the process has grown or shrunk by LEAST.

    Measuring costs as much as decoding a batch.
    """

    def __init__(self) -> None:
        self._in_use: int | None = None
        self._limit = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        in_use = _data_bytes()
        if in_use is None:
            yield
            return
        if self._in_use is None or abs(in_use - self._in_use) > LEAST:
            self._in_use, self._limit = in_use, in_use + max(LEAST, int(free_bytes() * SHARE))
        with _ONE_AT_A_TIME:
            soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
            known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
            resource.setrlimit(resource.RLIMIT_DATA, (min([self._limit, *known]), hard))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int | None:
    """Return the bytes of this process that the limit counts, or None if they are unknown."""
    try:
        return int(_STATM.read_text().split()[_DATA_PAGES]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return None
