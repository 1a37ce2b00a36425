"""A plan, and what it comes to when nothing disturbs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqjobs.planning.plan import Plan
from tests.conftest import POINTS_SPEC
from tests.fixtures.plans import plan_of_texts
from tests.fixtures.runs import SIX, do, result


@pytest.fixture(scope="session")
def six(points: Path) -> Plan:
    """Six trials, with `keep: {best: 2}`."""
    return plan_of_texts(points, POINTS_SPEC, overrides=SIX)


@pytest.fixture(scope="session")
def golden(six: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("golden") / "run"
    do(six, root)
    return result(root)
