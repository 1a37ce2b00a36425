"""A sample of `python -m tests.faults.kill_soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kill_soak import SAMPLE, KillSoak

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_sample_of_the_kills(tmp_path: Path) -> None:
    counts = KillSoak(tmp_path, 7, SAMPLE).go(kills=3)
    assert counts["trials"] == counts["runs"] * (SAMPLE.short + SAMPLE.long)
