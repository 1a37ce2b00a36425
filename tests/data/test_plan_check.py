"""Models against their data: footers and class counts, each mistake once and where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqjobs.data.plan_check import check_plan, inspect_plan
from seqjobs.errors import SpecError
from seqjobs.planning.plan import make_plan
from tests.conftest import MakeJob

TEXT = """\
name: points
data: {train: train.parquet, validation: test.parquet, features: [x0, x1, x2], target: kind}
model:
  - Dense: {units: 8, activation: relu}
  - Dense: {units: 4, activation: softmax}
compile: {optimizer: adam, loss: sparse_categorical_crossentropy, metrics: [accuracy]}
"""


def lines_of(make_job: MakeJob, points: Path, text: str, num_classes: int | None = None) -> list[str]:
    plan = make_plan([make_job(text=text)])
    if num_classes is None:
        with pytest.raises(SpecError) as caught:
            inspect_plan(plan)
    else:
        schemas = inspect_plan(plan).schemas
        with pytest.raises(SpecError) as caught:
            check_plan(plan, schemas, dict.fromkeys(schemas, num_classes))
    return [line.replace(str(points / "job.yaml"), "job.yaml") for line in caught.value.lines]


def test_footers_give_shapes_and_sizes(make_job: MakeJob) -> None:
    plan = make_plan([make_job(text=TEXT)])
    inspection = inspect_plan(plan)
    (trial,) = plan.trials
    assert inspection.schemas[trial.dataset].feature_shape == (3,)
    assert inspection.parameters == {trial.id: 3 * 8 + 8 + 8 * 4 + 4}


def test_every_trial_has_its_own_size(make_job: MakeJob) -> None:
    text = TEXT.replace("units: 8", "units: {choice: [1, 2]}").replace(
        "adam", "{Adam: {learning_rate: {choice: [0.1, 0.2]}}}"
    )
    plan = make_plan([make_job("search.sampler=grid", text=text)])
    parameters = inspect_plan(plan).parameters
    sizes = {trial.hyperparameters["model.0.Dense.units"]: parameters[trial.id] for trial in plan.trials}
    assert (len(parameters), sizes) == (4, {1: 12, 2: 20})


def test_a_layer_that_cannot_take_the_features(make_job: MakeJob, points: Path) -> None:
    (line,) = lines_of(make_job, points, TEXT.replace("Dense: {units: 8, activation: relu}", "LSTM: {units: 8}"))
    assert line.startswith("E309 job.yaml:4:5 model.0: layer 0 'LSTM' needs (steps, features), but the input has (3,).")


def test_a_loss_that_does_not_fit_the_target(make_job: MakeJob, points: Path) -> None:
    (line,) = lines_of(make_job, points, TEXT.replace("target: kind", "target: score"))
    assert line.startswith(
        "E310 job.yaml:6:34 compile.loss: the loss SparseCategoricalCrossentropy takes class numbers"
    )


def test_too_few_outputs_for_the_classes(make_job: MakeJob, points: Path) -> None:
    (line,) = lines_of(make_job, points, TEXT, num_classes=9)
    assert line.startswith("E309 job.yaml:6:34 compile.loss: ")
    assert "9 classes" in line


def test_many_trials_with_one_mistake_give_one_line(make_job: MakeJob, points: Path) -> None:
    text = TEXT.replace("adam", "{Adam: {learning_rate: {log_uniform: [1e-4, 1e-1]}, beta_1: {uniform: [0.1, 0.9]}}}")
    text = (
        text.replace("units: 4, activation: softmax", "units: 4, activation: relu")
        + "search: {trials: 30, repeats: 2}\n"
    )
    (line,) = lines_of(make_job, points, text)
    assert line.startswith("E310 job.yaml:6:")
    assert ", with compile.optimizer.Adam.learning_rate=" in line


def test_the_same_mistake_in_two_places_gives_two_lines(make_job: MakeJob, points: Path) -> None:
    named = (
        "model:\n"
        "  one:\n  - LSTM: {units: 8}\n  - Dense: {units: 4, activation: softmax}\n"
        "  two:\n  - LSTM: {units: 4}\n  - Dense: {units: 4, activation: softmax}\n"
        "search: {sampler: grid}\ncompile:"
    )
    text = TEXT[: TEXT.index("model:")] + named + TEXT[TEXT.index("compile:") + len("compile:") :]
    lines = lines_of(make_job, points, text)
    assert [line.split(" with ")[0].split(": ")[0] for line in lines] == [
        "E309 job.yaml:5:5 model.one.0", "E309 job.yaml:8:5 model.two.0",
    ]  # fmt: skip


def test_a_mistake_of_a_variant_is_told_at_the_variant(make_job: MakeJob, points: Path) -> None:
    text = TEXT + "variants:\n  - {fit.epochs: 2}\n  - {model.1.Dense.units: 1}\n  - {compile.loss: mse}\n"
    lines = lines_of(make_job, points, text)
    assert [line.split(": ")[0] for line in lines] == [
        "E309 job.yaml:6:34 compile.loss", "E309 job.yaml:10:20 variants.2.compile.loss",
    ]  # fmt: skip
    assert "with model.1.Dense.units=1" in lines[0]
