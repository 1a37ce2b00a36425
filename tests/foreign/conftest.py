"""A finished run, made once, and copies of it to forge."""

from __future__ import annotations

from pathlib import Path

import pytest

import seqjobs.export
from seqjobs.execution.in_process import InProcess
from tests.fixtures.fake_runner import StartFake

from .forge import Forged, make_finished_run


@pytest.fixture(scope="session")
def finished_run(points: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_finished_run(points, tmp_path_factory.mktemp("finished") / "20260101-000000-points")


@pytest.fixture
def forged(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forged:
    """A copy of it. Models are exported in this process, without Ray."""
    monkeypatch.setattr(seqjobs.export, "RayPool", lambda *_, **__: InProcess(start=StartFake()))
    return Forged.copy_of(finished_run, tmp_path)
