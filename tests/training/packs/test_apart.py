"""What cannot train together, against the rule's expectation, trains one by one, and says so."""

from __future__ import annotations

from typing import NoReturn

import pytest

from seqjobs.training.packs.pack_program import PackProgram
from seqjobs.training.trial_runner import TrialRunner
from tests.conftest import MakePlan
from tests.training.packs.members import only_pack, train_alone
from tests.training.test_checkpoint import PACK, Trained
from tests.training.trained import dataset_of, same_bits

pytestmark = pytest.mark.slow


def test_members_of_a_pack_that_fails_train_one_by_one_and_tell_why(
    runner: TrialRunner, make_points_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_points_plan("fit.epochs=2", text=PACK)
    dataset = dataset_of(plan)
    pack = only_pack(plan, dataset)

    def fail(*_: object) -> NoReturn:
        raise RuntimeError("no form\nfor this layer")

    monkeypatch.setattr(PackProgram, "build", fail)
    found = Trained(list(runner.run(pack, dataset)))
    assert found.epochs == []
    assert [outcome.trial_id for outcome in found.outcomes] == [trial.id for trial in pack.trials]
    for trial, outcome, weights in zip(pack.trials, found.outcomes, found.weights, strict=True):
        assert outcome.log == "it could not train in a pack: no form for this layer\n"
        assert same_bits((outcome, weights), train_alone(runner, trial, dataset, outcome.compiled))
