"""The first tier stays quick: its files can be collected without TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.tiers import LONGEST

IMPORT_ALL = """
import importlib, sys
from pathlib import Path
from tests.tiers import TIERS, is_of_another_tier

guilty = []
for path in sorted(Path("tests").rglob("test_*.py")):
    if not is_of_another_tier(path, TIERS["first"]):
        importlib.import_module(".".join(path.with_suffix("").parts))
        if "tensorflow" in sys.modules or "keras" in sys.modules:
            guilty.append(str(path))
            break
print(*guilty)
"""


def test_no_file_of_the_first_tier_imports_tensorflow() -> None:
    """Every process collects every file. If this fails: mark the file `slow`, or import Keras inside the tests."""
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_longest_files_are_there() -> None:
    assert [path for path in LONGEST if not (ROOT / "tests" / path).exists()] == []


def test_the_tests_of_a_group_run_in_one_process(request: pytest.FixtureRequest) -> None:
    """pytest-xdist reads groups from the ids of tests; some versions of pytest hide them from it."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        assert request.node.nodeid.endswith(f"@{request.path}")
