"""What keeps XLA from computing a thing again wherever it is used: a branch, into which it moves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import tensorflow as tf

_ALLOWED = ContextVar("_ALLOWED", default=True)


def once(condition: Any, compute: Callable[[], Any]) -> Any:
    """What `compute` gives, whichever way the condition, a scalar that XLA does not know, goes."""
    return tf.cond(condition, compute, compute) if _ALLOWED.get() else compute()


@contextmanager
def without_branches() -> Iterator[None]:
    """Where a graph is vectorized, a branch would go two ways at once."""
    token = _ALLOWED.set(False)
    try:
        yield
    finally:
        _ALLOWED.reset(token)
