"""A finished run, made once, and copies of it to forge."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

import seqjobs.export
from seqjobs.execution.in_process import InProcess
from seqjobs.planning.plan import make_plan
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.progress import Silent
from seqjobs.run import run_job
from seqjobs.spec.load import parse_job
from tests.conftest import POINTS_SPEC
from tests.fixtures.fake_runner import Behaviour, StartFake

from .forge import Forged

PACKED = "compile.optimizer.Adam.learning_rate={choice: [0.1, 0.2, 0.3]}"


@pytest.fixture(scope="session")
def finished_run(points: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two jobs: four trials in packs of one, of which one failed, and three in a pack."""
    units = f"model.0.Dense.units={{choice: [1, 2, 3, {Behaviour.NAN.value}]}}"
    text = dedent(POINTS_SPEC)
    jobs = [
        parse_job(text, points / "job.yaml", (units, "search.sampler=grid", "keep.best=2")),
        parse_job(text.replace("name: points", "name: other"), points / "job.yaml", (PACKED, "fit.pack=4")),
    ]
    root = tmp_path_factory.mktemp("finished") / "20260101-000000-points"
    run_job(make_plan(jobs), InProcess(start=StartFake()), RunPaths(root=root), Silent())
    return root


@pytest.fixture
def forged(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forged:
    """A copy of it. Models are exported in this process, without Ray."""
    monkeypatch.setattr(seqjobs.export, "RayPool", lambda *_, **__: InProcess(start=StartFake()))
    return Forged.copy_of(finished_run, tmp_path)
