"""Resources: what one worker is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Resources:
    """CPUs (also TensorFlow's threads) and GPUs of a worker, whole ones or a part of one; `auto` is one GPU where the
    cluster has any.

    A worker that holds more than `memory` bytes of its own is replaced between two trials.
    """

    cpus: int = 1
    gpus: float | Literal["auto"] = "auto"
    memory: int | None = None
    workers: int = 1
    """How many processes train a trial together, each with as much as the other fields say."""


def times(room: float, each: float) -> int:
    """How often `each` fits into `room`. Amounts that differ by less than a ten-thousandth are one, as they are to Ray,
    so that a tenth fits ten times into 1."""
    return _ten_thousandths(room) // _ten_thousandths(each)


def _ten_thousandths(amount: float) -> int:
    whole = math.floor(amount)
    return whole * 10_000 + round((amount - whole) * 10_000)


def gpu_share(gpus: float) -> float | None:
    """The part of one GPU that a worker has; None for one that has whole ones or none."""
    return gpus if 0 < gpus < 1 else None
