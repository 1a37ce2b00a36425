"""The parts of a measurement, one file each, in the order in which they are measured and shown."""

from __future__ import annotations

from collections.abc import Mapping

from tests.benchmarks.parts import (
    durability,
    empty_trials,
    first_leaderboard,
    histories,
    memory,
    pack_sizes,
    reading,
    roofline,
    speed,
    startup,
    two_architectures,
)
from tests.benchmarks.parts._base import Part

PARTS: Mapping[str, Part] = {
    module.PART.name: module.PART
    for module in (
        speed,
        first_leaderboard,
        two_architectures,
        pack_sizes,
        roofline,
        histories,
        memory,
        empty_trials,
        durability,
        reading,
        startup,
    )
}

__all__ = ["PARTS", "Part"]
