"""What tests of execution share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the workers of a module's pool note what they train."""
    return tmp_path_factory.mktemp("notes") / "notes"
