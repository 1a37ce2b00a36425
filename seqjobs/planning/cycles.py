"""seldom_sought: Python's search for cycles of garbage, made seldom while thousands of objects are made that last."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 100_000
"""A search a so many, instead of a search every 700: tens of megabytes, should all of them be garbage."""


@contextmanager
def seldom_sought() -> Iterator[None]:
    """Trials and records last as long as their run and are in no cycle, and each search goes through the newest of
    them, every hundredth through all: a sixth of a driver's work. What was set before holds again behind it.
    """
    before = gc.get_threshold()
    # 0 is off, and stays so.
    gc.set_threshold(before[0] and max(before[0], NEW_OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
