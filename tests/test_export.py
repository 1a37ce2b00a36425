"""What cannot be exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqjobs.errors import NotFoundError
from seqjobs.export import export_model
from tests.conftest import MakePlan
from tests.fixtures.runs import do


def test_a_trial_whose_weights_were_not_kept(make_points_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_points_plan("model.0.Dense.units={choice: [1, 2]}", "search.sampler=grid", "keep.best=1")
    run = do(plan, tmp_path / "run")
    worst = run.leaderboard.entries[-1].trial
    trial = next(trial for trial in run.manifest.trials if trial.id == worst)
    with pytest.raises(NotFoundError, match=rf"the weights of trial {worst} were not kept.*\[E614\]"):
        export_model(run, trial, tmp_path / "model.keras")
    assert not (tmp_path / "model.keras").exists()
