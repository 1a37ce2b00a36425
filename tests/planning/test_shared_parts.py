"""Trials of a plan are what they are, and share what they have in common."""

from __future__ import annotations

from seqjobs.jobspec.canonical import canonical_trial
from seqjobs.planning.shared_parts import SharedParts
from tests.conftest import MakeJob, MakePlan


def test_a_trial_of_shared_parts_is_the_same_trial(make_job: MakeJob) -> None:
    job = make_job("model.0.Dense.units={choice: [8, 16]}", "compile.loss={choice: [mse, mae]}")
    shared = SharedParts()
    for units in (8, 16, 8):
        for loss in ("mse", "mae"):
            trial = job.trial({"model.0.Dense.units": units, "compile.loss": loss})
            found = shared.trial(trial)
            assert canonical_trial(found) == canonical_trial(trial)
            assert found == trial
            assert (found.data.features, found.fit.epochs) == (trial.data.features, trial.fit.epochs)


def test_trials_share_what_they_have_in_common(make_points_plan: MakePlan) -> None:
    rate = "compile.optimizer.Adam.learning_rate={log_uniform: [1e-4, 1e-1]}"
    units = "model.0.Dense.units={choice: [4, 8]}"
    trials = [trial.spec for trial in make_points_plan(rate, units, "search.trials=20").trials]
    assert len({id(spec.data) for spec in trials}) == 1
    assert len({id(spec.fit) for spec in trials}) == 1
    assert len({id(spec.compile.loss) for spec in trials}) == 1
    assert len({id(spec.model[0]) for spec in trials}) == 2
    assert len({id(spec.model[1]) for spec in trials}) == 1
    assert len({spec.compile.optimizer.arguments["learning_rate"] for spec in trials}) == 20
