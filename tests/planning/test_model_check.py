"""Models against their data: footers and class counts, each mistake once and where it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from seqjobs.errors import SpecError
from seqjobs.jobspec.load import parse_job
from seqjobs.planning.plan import make_plan
from seqjobs.preview import Preview, preview
from tests.errors.lines import code_of

TEXT = """\
name: points
data: {train: train.parquet, validation: test.parquet, features: [x0, x1, x2], target: kind}
model:
  - Dense: {units: 8, activation: relu}
  - Dense: {units: 4, activation: softmax}
compile: {optimizer: adam, loss: sparse_categorical_crossentropy, metrics: [accuracy]}
"""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What the rows of a dataset show."""

    num_classes: int | None
    classes: tuple[str, ...] | None = None
    empty_classes: tuple[int, ...] = ()
    feature_range: tuple[float, float] | None = None


def previewed(points: Path, text: str) -> Preview:
    return preview([parse_job(text, points / "job.yaml")])


def checked(found: Preview, rows: Rows) -> tuple[str, ...]:
    """Return the warnings of a plan whose only dataset shows these rows."""
    return make_plan(found.plan.table, found.schemas, dict.fromkeys(found.schemas, rows)).warnings


def lines_of(points: Path, text: str, num_classes: int | None = None) -> list[str]:
    if num_classes is None:
        with pytest.raises(SpecError) as caught:
            previewed(points, text)
    else:
        found = previewed(points, text)
        with pytest.raises(SpecError) as caught:
            checked(found, Rows(num_classes=num_classes))
    return [line.replace(str(points / "job.yaml"), "job.yaml") for line in caught.value.lines]


def test_footers_give_shapes_and_sizes(points: Path) -> None:
    found = previewed(points, TEXT)
    (trial,) = found.plan.trials
    assert found.schemas[trial.dataset].feature_shape == (3,)
    assert found.parameters == {trial.template.key: 3 * 8 + 8 + 8 * 4 + 4}


def test_every_template_has_its_own_size(points: Path) -> None:
    text = TEXT.replace("units: 8", "units: {choice: [1, 2]}").replace(
        "adam", "{Adam: {learning_rate: {choice: [0.1, 0.2]}}}"
    )
    found = previewed(points, text + "search: {sampler: grid}\n")
    trials, parameters = found.plan.trials, found.parameters
    sizes = {trial.hyperparameters["model.0.Dense.units"]: parameters[trial.template.key] for trial in trials}
    assert (len(trials), sizes) == (4, {1: 12, 2: 20})


def test_a_layer_that_cannot_take_the_features(points: Path) -> None:
    (line,) = lines_of(points, TEXT.replace("Dense: {units: 8, activation: relu}", "LSTM: {units: 8}"))
    assert line.startswith("job.yaml:4:5 model.0: layer 0 'LSTM' needs (steps, features), but the input has (3,).")
    assert line.endswith("[E309]")


def test_a_loss_that_does_not_fit_the_target(points: Path) -> None:
    (line,) = lines_of(points, TEXT.replace("target: kind", "target: score"))
    assert line.startswith("job.yaml:6:34 compile.loss: the loss SparseCategoricalCrossentropy takes class numbers")
    assert line.endswith("[E310]")


def test_too_few_outputs_for_the_classes(points: Path) -> None:
    (line,) = lines_of(points, TEXT, num_classes=9)
    assert line.startswith("job.yaml:6:34 compile.loss: ")
    assert line.endswith("[E309]")
    assert "9 classes" in line


def test_many_trials_with_one_mistake_give_one_line(points: Path) -> None:
    text = TEXT.replace("adam", "{Adam: {learning_rate: {log_uniform: [1e-4, 1e-1]}, beta_1: {uniform: [0.1, 0.9]}}}")
    text = (
        text.replace("units: 4, activation: softmax", "units: 4, activation: relu")
        + "search: {trials: 30, repeats: 2}\n"
    )
    (line,) = lines_of(points, text)
    assert line.startswith("job.yaml:6:")
    assert line.endswith("[E310]")
    assert ", with compile.optimizer.Adam.learning_rate=" in line


def test_the_same_mistake_in_two_places_gives_two_lines(points: Path) -> None:
    named = (
        "model:\n"
        "  one:\n  - LSTM: {units: 8}\n  - Dense: {units: 4, activation: softmax}\n"
        "  two:\n  - LSTM: {units: 4}\n  - Dense: {units: 4, activation: softmax}\n"
        "search: {sampler: grid}\ncompile:"
    )
    text = TEXT[: TEXT.index("model:")] + named + TEXT[TEXT.index("compile:") + len("compile:") :]
    lines = lines_of(points, text)
    assert [line.split(" with ")[0].split(": ")[0] for line in lines] == [
        "job.yaml:5:5 model.one.0", "job.yaml:8:5 model.two.0",
    ]  # fmt: skip
    assert [code_of(line) for line in lines] == ["E309"] * 2


def test_a_mistake_of_a_variant_is_told_at_the_variant(points: Path) -> None:
    text = TEXT + "variants:\n  - {fit.epochs: 2}\n  - {model.1.Dense.units: 1}\n  - {compile.loss: mse}\n"
    lines = lines_of(points, text)
    assert [line.split(": ")[0] for line in lines] == [
        "job.yaml:6:34 compile.loss", "job.yaml:10:20 variants.2.compile.loss",
    ]  # fmt: skip
    assert "with model.1.Dense.units=1" in lines[0]


YES = TEXT.replace("kind", "yes").replace("units: 4, activation: softmax", "units: 1, activation: sigmoid")
YES = YES.replace("sparse_categorical_crossentropy, metrics: [accuracy]", "binary_crossentropy")


def weighed(text: str, class_weight: str) -> str:
    return f"{text}fit: {{class_weight: {class_weight}}}\n"


@pytest.mark.parametrize(
    "text",
    [
        weighed(TEXT, "balanced"),
        weighed(TEXT, "{0: 2.0, 3: 0.5}"),
        weighed(YES, "{0: 2.0, 1: 0.5}"),
        weighed(TEXT.replace("kind", "word"), "{low: 2}"),
        weighed(TEXT.replace("sparse_", ""), "{3: 2}"),
    ],
)
def test_class_weights_that_fit(points: Path, text: str) -> None:
    classes = 2 if text.startswith(YES) else 4
    checked(previewed(points, text), Rows(num_classes=classes, classes=WORDS))


WORDS = ("high", "low", "mid", "top")


@pytest.mark.parametrize("class_weight", ["balanced", "{0: 2.0}"])
def test_class_weights_of_numbers(points: Path, class_weight: str) -> None:
    numbers = TEXT.replace("kind", "score").replace("units: 4, activation: softmax", "units: 1")
    numbers = numbers.replace("sparse_categorical_crossentropy, metrics: [accuracy]", "mse")
    for text in (numbers, numbers.replace("score", "kind")):
        (line,) = lines_of(points, weighed(text, class_weight))
        assert line == (
            "job.yaml:7:7 fit.class_weight: class weights need a target of classes, but the loss"
            " MeanSquaredError compares numbers. Fix: remove class_weight, or weight the"
            " rows by data.sample_weight. [E310]"
        )


def test_class_weights_of_no_class(points: Path) -> None:
    lines = lines_of(points, weighed(TEXT, "{3: 1, 4: 2, low: 3}"), num_classes=4)
    assert lines == [
        "job.yaml:7:28 fit.class_weight.4: the target has no class '4'. Fix: name one of '0', '1', '2', '3'. [E314]",
        "job.yaml:7:34 fit.class_weight.low: the target has no class 'low'."
        " Fix: name one of '0', '1', '2', '3'. [E314]",
    ]
    (line,) = lines_of(points, weighed(YES, "{2: 5}"))
    assert line == "job.yaml:7:22 fit.class_weight.2: the target has no class '2'. Fix: name one of '0', '1'. [E314]"


def test_class_weights_of_a_class_that_only_the_model_has(points: Path) -> None:
    (warning,) = checked(previewed(points, weighed(TEXT, "{3: 1}")), Rows(num_classes=3))
    assert warning == "the model has 4 outputs, but no training row has class 3"


def test_class_weights_of_no_string_of_the_target(points: Path) -> None:
    found = previewed(points, weighed(TEXT.replace("kind", "word"), "{hihg: 2, low: 1}"))
    with pytest.raises(SpecError) as caught:
        checked(found, Rows(num_classes=4, classes=WORDS))
    (line,) = caught.value.lines
    assert line.endswith("fit.class_weight.hihg: the target has no class 'hihg'. Did you mean 'high'? [E314]")


def test_class_weights_are_looked_at_in_every_trial(points: Path) -> None:
    text = weighed(TEXT, "{choice: [{0: 2}, {1: 2}, {9: 2}]}") + "search: {sampler: grid}\n"
    (line,) = lines_of(points, text, num_classes=4)
    assert line.startswith("job.yaml:7:48 fit.class_weight.choice.2.9: the target has no class '9'")
    assert line.endswith("[E314]")


def test_weighted_metrics_that_do_not_fit_the_loss(points: Path) -> None:
    (line,) = lines_of(points, TEXT.replace("metrics: [", "weighted_metrics: [mae, "))
    assert line.startswith("job.yaml:6:")
    assert line.endswith("[E310]")
    assert "compile.weighted_metrics.0: with the loss SparseCategoricalCrossentropy" in line
