"""A trial that goes on from a checkpoint, at any epoch, ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from seqjobs.planning.plan import Plan
from seqjobs.training.checkpoint import Checkpoint
from seqjobs.training.compile_rule import Compilation
from seqjobs.training.fit import fit
from seqjobs.training.fitting import Fitting
from seqjobs.training.program import Program
from tests.training.test_programs import EVERYTHING
from tests.training.trained import dataset_of

pytestmark = pytest.mark.usefixtures("runner")

MakePlan = Callable[..., Plan]

PLATEAUS = "ReduceLROnPlateau: {monitor: val_loss, factor: 0.5, patience: 1, cooldown: 1, min_delta: 0.01}"
PATIENCE = "EarlyStopping: {monitor: val_loss, patience: 2, restore_best_weights: true}"
CASES = {
    "everything": [],
    "patience that runs over a resume": [f"fit.callbacks=[{{{PATIENCE}}}, {{{PLATEAUS}}}]", "fit.epochs=9"],
    "a schedule by epoch": [
        "fit.callbacks=[{LearningRateScheduler: {boundaries: [2, 4], values: [0.1, 0.01, 0.001]}}]"
    ],
    "a schedule by step": [
        "compile.optimizer={SGD: {learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 5, "
        "decay_rate: 0.5}}, momentum: 0.9}}",
        "fit.callbacks=[]",
    ],
}


@pytest.mark.parametrize("overrides", CASES.values(), ids=CASES)
def test_a_resume_at_any_epoch_gives_the_same_bits(make_points_plan: MakePlan, overrides: list[str]) -> None:
    plan = make_points_plan(*overrides, text=EVERYTHING)
    dataset, trial, other = dataset_of(plan), plan.trials[0], plan.trials[-1]
    program = Program.build(trial, dataset, Compilation.GRAPH, lowered=False)
    undisturbed, checkpoints = Fitting.of(trial), []
    for _ in fit(program, trial, dataset, undisturbed):
        checkpoints.append(Checkpoint.take(program, undisturbed))
    assert undisturbed.epochs > 3
    for epoch, checkpoint in enumerate(checkpoints[:-1]):
        # Another trial of the program comes between, as after a worker's death.
        list(fit(program, other, dataset, Fitting.of(other)))
        resumed = Fitting.of(trial)
        reports = list(fit(program, trial, dataset, resumed, checkpoint=checkpoint))
        assert [report.epoch for report in reports] == list(range(epoch + 1, undisturbed.epochs))
        assert resumed.history == undisturbed.history
        assert resumed.weights_epoch == undisturbed.weights_epoch
        for mine, expected in zip(resumed.weights, undisturbed.weights, strict=True):
            np.testing.assert_array_equal(mine, expected)
