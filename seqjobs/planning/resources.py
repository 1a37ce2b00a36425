"""Resources: what one worker is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Resources:
    """CPUs (also TensorFlow's threads) and GPUs of a worker; `auto` is one GPU where the cluster has any."""

    cpus: int = 1
    gpus: int | Literal["auto"] = "auto"
