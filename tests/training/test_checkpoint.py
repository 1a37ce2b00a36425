"""A pack that goes on from a checkpoint, at any epoch, ends as if nothing had happened."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from seqjobs.data.dataset import Dataset
from seqjobs.planning.trial import Pack
from seqjobs.training.checkpoint import Checkpoint, Saving
from seqjobs.training.outcome import EpochReport, PackCheckpoint, RunnerItem, TrialOutcome
from seqjobs.training.trial_runner import TrialRunner
from tests.conftest import MakePlan
from tests.training.packs.members import only_pack
from tests.training.test_programs import EVERYTHING
from tests.training.trained import dataset_of

pytestmark = pytest.mark.slow


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
PACK = """
name: pack
data: {train: train.parquet, validation: test.parquet, features: [x0, x1, x2, x3, x4, x5], target: yes}
model:
  - Dense: {units: 8, activation: relu}
  - BatchNormalization
  - Dropout: {rate: {choice: [0.1, 0.4]}}
  - Dense: {units: 1, activation: sigmoid}
compile:
  optimizer: {Nadam: {learning_rate: {choice: [0.05, 0.001]}}}
  loss: binary_crossentropy
fit: {epochs: 8, batch_size: 32, pack: 4}
search: {sampler: grid}
"""


class Trained:
    """What a runner gave, apart."""

    def __init__(self, items: Sequence[RunnerItem]) -> None:
        self.epochs = [item.epoch for item in items if isinstance(item, EpochReport)]
        self.checkpoints = [item for item in items if isinstance(item, PackCheckpoint)]
        self.outcomes = [item for item in items if isinstance(item, TrialOutcome)]
        self.weights = [item for item in items if isinstance(item, tuple)]

    def assert_same_end(self, other: Trained) -> None:
        for mine, theirs in zip(self.outcomes, other.outcomes, strict=True):
            assert mine.failure == theirs.failure
            assert {name: repr(values) for name, values in mine.history.items()} == {
                name: repr(values) for name, values in theirs.history.items()
            }
            assert mine.weights_epoch == theirs.weights_epoch
        for ours, expected in zip(self.weights, other.weights, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(ours, expected, strict=True))


def train(runner: TrialRunner, pack: Pack, dataset: Dataset, saved: bytes | None = None) -> Trained:
    """With a checkpoint behind every epoch."""
    return Trained(list(runner.run(replace(pack, checkpoint_seconds=0.0, keep_best=9), dataset, saved)))


def asked_to_end(runner: TrialRunner, pack: Pack, dataset: Dataset, looks: int, saved: bytes | None = None) -> Trained:
    """By the runner's look with that number, from 0: it looks before the first epoch, and between epochs."""
    found = iter([False] * looks)
    return Trained(list(runner.run(replace(pack, keep_best=9), dataset, saved, lambda: next(found, True))))


def assert_resumes(runner: TrialRunner, pack: Pack, other: Pack, dataset: Dataset) -> None:
    """From each checkpoint; `other` comes between, as after a worker's death."""
    undisturbed = train(runner, pack, dataset)
    assert len(undisturbed.checkpoints) > 3
    for checkpoint in undisturbed.checkpoints:
        train(runner, other, dataset)
        resumed = train(runner, pack, dataset, checkpoint.content)
        assert resumed.epochs == undisturbed.epochs[checkpoint.epochs :]
        resumed.assert_same_end(undisturbed)


@pytest.mark.parametrize("overrides", CASES.values(), ids=CASES)
def test_a_resume_at_any_epoch_gives_the_same_bits(
    runner: TrialRunner, make_points_plan: MakePlan, overrides: list[str]
) -> None:
    plan = make_points_plan(*overrides, text=EVERYTHING)
    assert_resumes(runner, plan.packs[0], plan.packs[-1], dataset_of(plan))


def test_a_pack_goes_on_with_the_same_bits(runner: TrialRunner, make_points_plan: MakePlan) -> None:
    plan = make_points_plan(f"fit.callbacks=[{{{PATIENCE}}}, {{{PLATEAUS}}}]", text=PACK)
    dataset = dataset_of(plan)
    pack = only_pack(plan, dataset)
    assert_resumes(runner, pack, replace(pack, trials=pack.trials[::-1]), dataset)


def test_members_that_had_ended_stay_ended(runner: TrialRunner, make_points_plan: MakePlan) -> None:
    """One whose loss is no number, one that is out of patience, and two that go on."""
    rates = "compile.optimizer={SGD: {learning_rate: {choice: [1.0e30, 0.05]}, momentum: {choice: [0.5, 0.9]}}}"
    patience = "fit.callbacks=[{EarlyStopping: {monitor: loss, patience: 2, min_delta: 0.02}}]"
    text = PACK.replace("{choice: [0.1, 0.4]}", "0.1")
    plan = make_points_plan(rates, patience, "fit.epochs=12", text=text)
    dataset = dataset_of(plan)
    pack = only_pack(plan, dataset)
    undisturbed = train(runner, pack, dataset)
    assert [outcome.failed for outcome in undisturbed.outcomes] == [True, True, False, False]
    lengths = [len(outcome.history["loss"]) for outcome in undisturbed.outcomes]
    assert len(set(lengths)) > 2
    for checkpoint in undisturbed.checkpoints:
        train(runner, pack, dataset, checkpoint.content).assert_same_end(undisturbed)


def test_what_is_of_something_else_or_damaged_is_passed_over(runner: TrialRunner, make_points_plan: MakePlan) -> None:
    plan = make_points_plan(text=EVERYTHING)
    dataset, (pack, other) = dataset_of(plan), plan.packs[:2]
    undisturbed = train(runner, pack, dataset)
    content = undisturbed.checkpoints[2].content
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    for useless in (train(runner, other, dataset).checkpoints[2].content, bytes(flipped), content[:-9], b"", b"PK"):
        again = train(runner, pack, dataset, useless)
        assert again.epochs == undisturbed.epochs
        again.assert_same_end(undisturbed)


@pytest.mark.parametrize("text", [EVERYTHING, PACK], ids=["alone", "together"])
def test_variables_of_another_form_are_passed_over(runner: TrialRunner, make_points_plan: MakePlan, text: str) -> None:
    """As a later version of seqjobs may have them."""
    plan = make_points_plan(text=text)
    dataset = dataset_of(plan)
    pack = plan.packs[0] if text is EVERYTHING else only_pack(plan, dataset)
    undisturbed = train(runner, pack, dataset)
    content = undisturbed.checkpoints[0].content
    with np.load(io.BytesIO(content)) as stored:
        of = json.loads(stored["notes"].tobytes())["of"]
    checkpoint = Checkpoint.decode(content, of)
    assert checkpoint is not None
    first = next(name for name in checkpoint.arrays if name.startswith(("variable", "state")))
    for changed in (
        {name: array for name, array in checkpoint.arrays.items() if name != first},
        {**checkpoint.arrays, first: checkpoint.arrays[first][..., None]},
    ):
        again = train(runner, pack, dataset, replace(checkpoint, arrays=changed).encode(of))
        assert again.epochs == undisturbed.epochs
        again.assert_same_end(undisturbed)


@pytest.mark.parametrize("text", [EVERYTHING, PACK], ids=["alone", "together"])
def test_one_that_is_asked_to_end_saves_the_epoch_it_was_at(
    runner: TrialRunner, make_points_plan: MakePlan, text: str
) -> None:
    plan = make_points_plan("fit.callbacks=[]", text=text)
    dataset = dataset_of(plan)
    pack = plan.packs[0] if text is EVERYTHING else only_pack(plan, dataset)
    undisturbed = train(runner, pack, dataset)
    first = asked_to_end(runner, pack, dataset, looks=2)
    (saved,) = first.checkpoints
    second = asked_to_end(runner, pack, dataset, looks=1, saved=saved.content)
    (saved,) = second.checkpoints
    resumed = train(runner, pack, dataset, saved.content)
    assert [len(part.epochs) for part in (first, second)] == [2, 1]
    assert [*first.epochs, *second.epochs, *resumed.epochs] == undisturbed.epochs
    assert first.outcomes == second.outcomes == []
    resumed.assert_same_end(undisturbed)
    # In its last epoch it ends as it would have.
    last = asked_to_end(runner, pack, dataset, looks=1, saved=undisturbed.checkpoints[-1].content)
    assert len(last.epochs) == 1
    last.assert_same_end(undisturbed)


def test_what_cannot_be_saved_ends_at_once(runner: TrialRunner, make_points_plan: MakePlan) -> None:
    plan = make_points_plan("fit.compile=stock", "fit.epochs=3")
    looks = iter([False] * 10)
    items = list(runner.run(plan.packs[0], dataset_of(plan), None, lambda: next(looks, True)))
    # 203 rows make seven batches of 32.
    assert [type(item) for item in items] == [EpochReport]
    assert next(looks, None) is None


def test_checkpoints_come_by_time(runner: TrialRunner, make_points_plan: MakePlan) -> None:
    plan = make_points_plan(text=EVERYTHING)
    assert plan.packs[0].checkpoint_seconds == 60
    assert not Trained(list(runner.run(plan.packs[0], dataset_of(plan)))).checkpoints
    assert make_points_plan("limits.checkpoint=5m").packs[0].checkpoint_seconds == 300


def test_a_checkpoint_has_no_pickle_and_every_bit_of_its_numbers() -> None:
    notes = {"history": [0.1, float("nan"), float("inf"), 1e-310], "none": None}
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(True)}
    content = Checkpoint(epochs=3, notes=notes, arrays=arrays).encode({"of": "this"})
    found = Checkpoint.decode(content, {"of": "this"})
    assert found is not None
    assert repr((found.epochs, found.notes)) == repr((3, notes))
    assert all(np.array_equal(found.arrays[name], array) for name, array in arrays.items())
    assert Checkpoint.decode(content, {"of": "that"}) is None
    assert Saving(0.0).is_due()
    assert not Saving(1e9).is_due()
