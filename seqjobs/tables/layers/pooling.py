"""Pooling over 1, 2 or 3 axes, channels last."""

from __future__ import annotations

from seqjobs.tables._base import REQUIRED, Argument, Entry
from seqjobs.tables.arguments import Each, Flag, Integer, OneOf, Optional

_STEP = Integer(at_least=1, absurd=100_000)


def _pooling(kind: str, rank: int) -> Entry:
    # Keras has a default pool size for the maximum alone.
    default = (2,) * rank if kind == "Max" else REQUIRED
    arguments = {
        "pool_size": Argument(Each(_STEP, rank), default),
        "strides": Argument(Optional(Each(_STEP, rank)), None),
        "padding": Argument(OneOf(("valid", "same")), "valid"),
    }
    return Entry(f"{kind}Pooling{rank}D", f"{kind.lower()} of {rank}D windows", arguments)


def _global(kind: str, rank: int) -> Entry:
    arguments = {"keepdims": Argument(Flag(), False)}
    return Entry(f"Global{kind}Pooling{rank}D", f"{kind.lower()} of the whole {rank}D input", arguments)


POOLING = tuple(make(kind, rank) for make in (_pooling, _global) for kind in ("Max", "Average") for rank in (1, 2, 3))
