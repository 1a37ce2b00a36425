"""Training against the stored histories and weights of stock Keras, and these against stock Keras computed anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seqjobs.data.read import read_dataset
from seqjobs.planning.plan import Plan
from seqjobs.training.outcome import EpochReport, PackCheckpoint, PackRunner, TrialOutcome
from tests.conftest import MakePlan
from tests.fixtures.plans import plan_of_texts
from tests.golden import data, references
from tests.golden.cases import CASES, MEMBERS, PACK_SPEC, all_cases
from tests.golden.references import Reference, assert_near
from tests.training.packs.members import only_pack, train_pack
from tests.training.trained import dataset_of, train

WAYS = [(name, way) for name, case in CASES.items() for way in case.ways]


@pytest.fixture(scope="module")
def stored() -> dict[str, Reference]:
    return references.load()


@pytest.fixture(scope="module")
def plan_of(tmp_path_factory: pytest.TempPathFactory) -> MakePlan:
    folder = tmp_path_factory.mktemp("golden")
    data.write(folder)

    def plan(spec: str, *overrides: str) -> Plan:
        return plan_of_texts(folder, f"name: golden\n{spec}", overrides=overrides)

    return plan


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_a_trial_has_the_numbers_of_stock_keras(
    plan_of: MakePlan, stored: dict[str, Reference], runner: PackRunner, name: str, way: str
) -> None:
    plan = plan_of(CASES[name].spec, f"fit.compile={way}")
    outcome, weights = train(runner, plan.packs[0], dataset_of(plan))
    assert outcome.failure is None, outcome.failure
    assert outcome.compiled == way
    assert_near(stored[name], outcome.history, weights)


def test_early_stopping_restores_the_epoch_that_stock_keras_restores(
    plan_of: MakePlan, stored: dict[str, Reference], runner: PackRunner
) -> None:
    plan = plan_of(CASES["early stopping"].spec)
    outcome, _ = train(runner, plan.packs[0], dataset_of(plan))
    losses = stored["early stopping"].history["val_loss"]
    assert len(losses) < CASES["early stopping"].epochs
    assert outcome.weights_epoch == losses.index(min(losses)) == len(losses) - 4


def test_each_member_of_a_pack_has_the_numbers_of_stock_keras(
    plan_of: MakePlan, stored: dict[str, Reference], runner: PackRunner
) -> None:
    plan = plan_of(PACK_SPEC)
    dataset = dataset_of(plan)
    _, members = train_pack(runner, only_pack(plan, dataset), dataset)
    numbers = [
        (trial.hyperparameters["compile.optimizer.Adam.learning_rate"],
         trial.hyperparameters["model.0.Dense.kernel_regularizer.L2.l2"])
        for trial in plan.trials
    ]  # fmt: skip
    assert sorted(numbers) == sorted(MEMBERS)
    for (rate, factor), (outcome, weights) in zip(numbers, members, strict=True):
        assert_near(stored[f"member {rate} {factor}"], outcome.history, weights)


def test_rows_read_by_the_window_train_to_the_numbers_of_stock_keras(
    plan_of: MakePlan, stored: dict[str, Reference], runner: PackRunner
) -> None:
    """One batch holds all rows, so that their order does not matter."""
    plan = plan_of(CASES["weights of classes"].spec)
    (source,) = plan.datasets
    dataset = read_dataset(replace(source, spec=source.spec.model_copy(update={"memory": 4000})))
    outcome, weights = train(runner, plan.packs[0], dataset)
    assert_near(stored["weights of classes"], outcome.history, weights)


def test_a_trial_that_resumes_ends_with_its_own_bits_and_the_numbers_of_stock_keras(
    plan_of: MakePlan, stored: dict[str, Reference], runner: PackRunner
) -> None:
    name = "dropout with a validation split"
    plan = plan_of(CASES[name].spec, "fit.compile=graph", "limits.checkpoint=1s")
    dataset, pack = dataset_of(plan), replace(plan.packs[0], checkpoint_seconds=0.0)
    items = list(runner.run(pack, dataset))
    ends = [item for item in items if isinstance(item, TrialOutcome | tuple)]
    checkpoints = [item for item in items if isinstance(item, PackCheckpoint)]
    assert [checkpoint.epochs for checkpoint in checkpoints] == [1, 2]
    for checkpoint in checkpoints:
        resumed = list(runner.run(pack, dataset, checkpoint.content))
        epochs = [item.epoch for item in resumed if isinstance(item, EpochReport)]
        assert epochs == list(range(checkpoint.epochs, 3))
        outcome, weights = (item for item in resumed if isinstance(item, TrialOutcome | tuple))
        assert isinstance(outcome, TrialOutcome)
        assert isinstance(weights, tuple)
        assert_near(stored[name], outcome.history, weights)
        undisturbed, undisturbed_weights = ends
        assert isinstance(undisturbed, TrialOutcome)
        assert isinstance(undisturbed_weights, tuple)
        assert outcome.history == undisturbed.history
        assert all((ours == theirs).all() for ours, theirs in zip(weights, undisturbed_weights, strict=True))


def test_the_references_are_of_the_versions_that_the_project_is_built_with() -> None:
    """If not: `python -m tests.golden`."""
    pins = dict(line.split("==") for line in Path("constraints.txt").read_text().splitlines() if "==" in line)
    versions = references.stored_versions()
    assert {name: versions[name] for name in ("keras", "tensorflow")} == {
        name: pins[name] for name in ("keras", "tensorflow")
    }
    assert set(references.load()) == set(all_cases())


@pytest.mark.slow
@pytest.mark.parametrize("name", all_cases())
def test_stock_keras_still_gives_the_stored_numbers(
    stored: dict[str, Reference], runner: PackRunner, name: str
) -> None:
    from tests.golden.stock import train_stock  # noqa: PLC0415 (imports TensorFlow)

    assert runner is not None
    computed = train_stock(all_cases()[name])
    assert_near(stored[name], computed.history, computed.weights)
