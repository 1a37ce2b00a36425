"""Resources: what one worker is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Resources:
    """CPUs (also TensorFlow's threads) and GPUs of a worker; `auto` is one GPU where the cluster has any.

    A worker that holds more than `memory` bytes of its own is replaced between two trials.
    """

    cpus: int = 1
    gpus: int | Literal["auto"] = "auto"
    memory: int | None = None
    workers: int = 1
    """How many processes train a trial together, each with as much as the other fields say."""
