"""Submits that start at the same moment in the same folder are runs of their own."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seqjobs import Run, submit
from seqjobs import run as run_module
from seqjobs.execution.in_process import InProcess
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.runs import moved_points

AT_ONCE = 24


def test_submits_of_one_moment_have_ids_of_their_own(
    points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "RayPool", lambda *_, **__: InProcess(start=StartFake()))
    spec, runs_dir = moved_points(points, tmp_path), tmp_path / "runs"
    gate = threading.Barrier(AT_ONCE)

    def start(_: int) -> Run:
        gate.wait()
        return submit([spec], runs_dir=runs_dir)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(start, range(AT_ONCE)))
    assert len({run.id for run in runs}) == AT_ONCE
    assert {run.id for run in runs} == {path.name for path in runs_dir.iterdir()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in runs_dir.iterdir()} == {0o700}
    assert all(run.num_finished == run.num_total == 1 for run in runs)
