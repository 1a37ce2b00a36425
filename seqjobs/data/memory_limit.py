"""memory_limit: what is decoded may not take more memory than is free, whatever a file claims or hides."""

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
    with _Limit().held():
        yield


def within_memory(items: Iterator[Item]) -> Iterator[Item]:
    """The items, each made within `memory_limit`; what is done with them is not."""
    end, limit = object(), _Limit()
    while True:
        with limit.held():
            item = next(items, end)
        if item is end:
            return
        yield item  # type: ignore[misc] # it is no `end`


@final
class _Limit:
    """Asks what is free anew once the process has grown or shrunk by LEAST: asking costs what decoding a batch does."""

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
    """What of this process counts for the limit; None where nothing tells."""
    try:
        return int(_STATM.read_text().split()[_DATA_PAGES]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return None
