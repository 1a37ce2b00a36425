"""What cannot be exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqjobs.errors import NotFoundError
from seqjobs.execution.in_process import InProcess
from seqjobs.export import export_model
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.progress import Silent
from seqjobs.run import run_job
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import StartFake


def test_a_trial_whose_weights_were_not_kept(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan("model.0.Dense.units={choice: [1, 2]}", "search.sampler=grid", "keep.best=1")
    run = run_job(plan, InProcess(start=StartFake()), RunPaths(root=tmp_path / "run"), Silent())
    worst = run.leaderboard.entries[-1].trial
    trial = next(trial for trial in run.manifest.trials if trial.id == worst)
    with pytest.raises(NotFoundError, match=rf"the weights of trial {worst} were not kept.*\[E614\]"):
        export_model(run, trial, tmp_path / "model.keras")
    assert not (tmp_path / "model.keras").exists()
