"""Nodes that a Ray cluster is about to lose: it was told so, and until when, by who takes the machine back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

# Spot machines are taken back half a minute (Google) to two minutes (Amazon) after they were told.
LOOK_SECONDS = 2.0
# An answer may be on its way when nobody wants it any more.
END_SECONDS = 5.0


@contextlib.contextmanager
def draining_watched(ray: Any) -> Iterator[Callable[[], frozenset[str]]]:
    """What gives the ids of all nodes that are drained, and of those that were and are gone; it waits for nothing."""
    found: set[str] = set()
    stop = threading.Event()
    thread = threading.Thread(target=_look, args=(ray, found, stop), name="drain-watch", daemon=True)
    thread.start()
    try:
        yield lambda: frozenset(found)
    finally:
        stop.set()
        thread.join(END_SECONDS)


def _look(ray: Any, found: set[str], stop: threading.Event) -> None:
    # Ray's own libraries ask here too; no public function tells it.
    state = ray._private.state.state
    while not stop.wait(LOOK_SECONDS):
        # A head that cannot be reached is missed by others.
        with contextlib.suppress(Exception):
            found.update(state.get_draining_nodes())
