"""ahead: the next item is made in a thread while the one before is used."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

# How often a thread that nobody listens to any more looks whether that is so.
_LOOK_SECONDS = 0.05


@contextlib.contextmanager
def ahead(items: Iterable[Item]) -> Iterator[Iterator[Item]]:
    """One item at most is ready and one is being made. On leaving, the thread has ended.

    What making an item raises is raised where it would have come.
    """
    ready: queue.Queue[Item | _End] = queue.Queue(maxsize=1)
    given_up = threading.Event()

    def make() -> None:
        end = _End(None)
        try:
            for item in items:
                if not _put(ready, item, given_up):
                    return
        except BaseException as error:  # (it is raised again, by who waits for the item)
            end = _End(error)
        _put(ready, end, given_up)

    thread = threading.Thread(target=make, name="rows ahead", daemon=True)
    thread.start()
    try:
        yield _taken(ready)
    finally:
        given_up.set()
        thread.join()


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def _put(ready: queue.Queue[Item | _End], item: Item | _End, given_up: threading.Event) -> bool:
    while not given_up.is_set():
        with contextlib.suppress(queue.Full):
            ready.put(item, timeout=_LOOK_SECONDS)
            return True
    return False


def _taken(ready: queue.Queue[Item | _End]) -> Iterator[Item]:
    while True:
        item = ready.get()
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return
        yield item
