"""Dimensions: where they may stand, how they are named, and what is wrong with one."""

# ruff: noqa: E501 - lines of errors stand here as a user sees them

from __future__ import annotations

import pytest

from seqjobs.jobspec.dimensions import Choice, Range
from seqjobs.planning.expansion import expand_jobs
from tests.fixtures.plans import plan_of_texts
from tests.jobspec.spec_texts import DATA, SPEC, changed, errors, parse

UNITS, RATE = "units: 16", "learning_rate: 0.001"


@pytest.mark.parametrize(
    ("written", "kind", "ends", "step"),
    [
        ("{uniform: [8.0, 16.0], step: 2}", "uniform", (8.0, 16.0), 2),
        ("{int_uniform: [8, 16]}", "int_uniform", (8, 16), None),
        ("{int_uniform: [8, 16], step: 4}", "int_uniform", (8, 16), 4),
        ("{log_int_uniform: [1, 64]}", "log_int_uniform", (1, 64), None),
        ("{log_int_uniform: [8, 64], step: 8}", "log_int_uniform", (8, 64), 8),
    ],
)
def test_ranges_are_read(written: str, kind: str, ends: tuple[float, float], step: float | None) -> None:
    if kind == "uniform":
        job = parse(changed((RATE, f"learning_rate: {written}")))
    else:
        job = parse(changed((UNITS, f"units: {written}")))
    (dimension,) = job.dimensions
    assert isinstance(dimension, Range)
    assert (dimension.kind, (dimension.low, dimension.high), dimension.step) == (kind, ends, step)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (UNITS, "units: {choice: [8, 16]}", "model.1.Dense.units"),
        (RATE, "learning_rate: {log_uniform: [1e-4, 1e-2]}", "compile.optimizer.Adam.learning_rate"),
        ("optimizer: {Adam: {learning_rate: 0.001}}", "optimizer: {choice: [adam, sgd]}", "compile.optimizer"),
        ("batch_size: 32", "batch_size: {choice: [16, 32]}", "fit.batch_size"),
        ("rescale: 0.0625", "rescale: {choice: [0.0625, 1.0]}", "data.features.image.rescale"),
        ("train: train.parquet", "train: {choice: [train.parquet, test.parquet]}", "data.train"),
        ("[accuracy]", "{choice: [[accuracy], [accuracy, mae]]}", "compile.metrics"),
        ("- Flatten", "- {choice: [Flatten, GlobalMaxPooling2D]}", "model.0"),
        ("shape: [8, 8, 1]", "shape: [8, {choice: [8]}, 1]", "data.features.image.shape.1"),
    ],
)
def test_a_dimension_may_stand_for_any_value_of_a_trial(old: str, new: str, key: str) -> None:
    if "mae" in new:
        old_loss = ("sparse_categorical_crossentropy", "mse")
        job = parse(changed((old, new), old_loss))
    else:
        job = parse(changed((old, new)))
    assert [dimension.key for dimension in job.dimensions] == [key]
    assert all(trial.hyperparameters.keys() == {key} for trial in expand_jobs([job]).trials)


def test_what_depends_on_a_choice_stands_only_under_its_option() -> None:
    optimizers = (
        "{choice: [{Adam: {learning_rate: {choice: [0.1, 0.2]}}}, {SGD: {momentum: {choice: [0.5, 0.9]}}}, sgd]}"
    )
    text = changed(("{Adam: {learning_rate: 0.001}}", optimizers), ("seed: 3", "search: {sampler: grid}"))
    found = [dict(trial.hyperparameters) for trial in plan_of_texts(DATA, text).trials]
    key = "compile.optimizer"
    assert sorted(found, key=str) == sorted(
        [
            {key: "Adam", f"{key}.Adam.learning_rate": 0.1},
            {key: "Adam", f"{key}.Adam.learning_rate": 0.2},
            {key: "SGD", f"{key}.SGD.momentum": 0.5},
            {key: "SGD", f"{key}.SGD.momentum": 0.9},
            {key: "sgd"},
        ],
        key=str,
    )


def test_architectures_are_a_choice_by_name_with_dimensions_inside() -> None:
    named = "model:\n  wide:\n  - Flatten\n  - Dense: {units: {choice: [32, 64]}}\n  - Dense: {units: 10, activation: softmax}\n  small:"
    job = parse(changed(("model:", named), ("seed: 3", "search: {sampler: grid}")))
    assert [dimension.key for dimension in job.dimensions] == ["model", "model.wide.1.Dense.units"]
    plan = expand_jobs([job])
    assert [trial.hyperparameters for trial in plan.trials] == [
        {"model": "wide", "model.wide.1.Dense.units": 32},
        {"model": "wide", "model.wide.1.Dense.units": 64},
        {"model": "small"},
    ]
    assert [len(trial.spec.model) for trial in plan.trials] == [3, 3, 3]


def labels(choice: str) -> list[str]:
    job = parse(changed(("- Dense: {units: 16, activation: relu}", f"- {choice}")))
    assert isinstance(job.dimensions[0], Choice)
    return [option.label for option in job.dimensions[0].options]


def test_options_have_short_names_that_differ() -> None:
    assert labels("{choice: [Flatten, {Dropout: {rate: 0.1}}, {Dropout: {rate: 0.2}}]}") == [
        "Flatten", "Dropout#1", "Dropout#2",
    ]  # fmt: skip
    assert labels("Dense: {units: {choice: [{int_uniform: [1, 4]}, {int_uniform: [8, 9], step: 1}, 16]}}") == [
        "int_uniform#0", "int_uniform#1", "16",
    ]  # fmt: skip
    assert labels("Dense: {units: 4, use_bias: {choice: [true, false]}}") == ["true", "false"]
    assert labels("Dense: {units: 4, activation: {choice: [null, relu]}}") == ["null", "relu"]


def test_a_range_inside_a_choice_has_a_name_of_its_own() -> None:
    job = parse(changed((UNITS, "units: {choice: [{int_uniform: [1, 4]}, 64]}")))
    keys = [dimension.key for dimension in job.dimensions]
    assert keys == ["model.1.Dense.units", "model.1.Dense.units.int_uniform"]
    for trial in expand_jobs([job]).trials:
        units = trial.spec.model[1].arguments["units"]
        assert units == trial.hyperparameters.get(keys[1], 64)


def test_lists_are_named_by_their_text_or_number() -> None:
    features = (
        "{choice: [{image: {rescale: 0.0625, shape: [8, 8, 1]}}, {image: {shape: {choice: [[8, 8, 1], [1, 8, 8]]}}}]}"
    )
    job = parse(changed(("{image: {rescale: 0.0625, shape: [8, 8, 1]}}", features)))
    assert [[option.label for option in dimension.options] for dimension in job.dimensions if isinstance(dimension, Choice)] == [
        ["image#0", "image#1"],
        ["[8, 8, 1]", "[1, 8, 8]"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (UNITS, "units: {choice: []}", "9:29 model.1.Dense.units.choice: a choice is a list of at least one value (got [])."),
        (UNITS, "units: {choice: 5}", "9:29 model.1.Dense.units.choice: a choice is a list of at least one value (got 5)."),
        (UNITS, "units: {choice: [8, 9, 8]}", "9:36 model.1.Dense.units.choice.2: this value is listed twice (got 8)."),
        (UNITS, "units: {choice: [8], step: 1}", "9:34 model.1.Dense.units.step: a choice has no step."),
        (UNITS, "units: {int_uniform: [8]}", "9:34 model.1.Dense.units.int_uniform: int_uniform takes two numbers (got [8])."),
        (UNITS, "units: {int_uniform: [8, 9.5]}",
         "9:38 model.1.Dense.units.int_uniform.1: a bound of int_uniform is a finite whole number (got 9.5)."),
        (UNITS, "units: {int_uniform: [9, 8]}", "9:34 model.1.Dense.units.int_uniform: low must be below high (got [9, 8])."),
        (UNITS, "units: {int_uniform: [8, 9], step: 2}",
         "9:48 model.1.Dense.units.step: a step is a whole number above 0 that fits the range (got 2)."),
        (UNITS, "units: {int_uniform: [8, 9], step: null}",
         "9:48 model.1.Dense.units.step: a step is a whole number above 0 that fits the range."),
        (UNITS, "units: {int_uniform: [8, 9], setp: 2}", "9:42 model.1.Dense.units.setp: a dimension has no key 'setp'."),
        (UNITS, "units: {int_unifrom: [8, 9]}",
         "9:21 model.1.Dense.units.int_unifrom: unknown kind of dimension 'int_unifrom'."),
        (UNITS, "units: {choice: [8], int_uniform: [8, 9]}",
         "9:20 model.1.Dense.units: a dimension has only one kind (got ['choice', 'int_uniform'])."),
        (RATE, "learning_rate: {log_uniform: [0, 1]}",
         "12:52 compile.optimizer.Adam.learning_rate.log_uniform.0: log_uniform needs a low above 0 (got 0)."),
        (RATE, "learning_rate: {uniform: [0.1, .inf]}",
         "12:53 compile.optimizer.Adam.learning_rate.uniform.1: a bound of uniform is a finite number (got inf)."),
        (RATE, "learning_rate: {uniform: [0.1, 1], step: 1e-300}",
         "12:63 compile.optimizer.Adam.learning_rate.step: a step is a number above 0 that fits the range (got 1e-300)."),
    ],
)  # fmt: skip
def test_a_broken_dimension_gives_its_own_error_alone(old: str, new: str, line: str) -> None:
    (found,) = errors(changed((old, new), ("seed: 3", "search: {trials: 5}")))
    assert found.startswith((f"job.yaml:{line} Fix: ", f"job.yaml:{line} Did you mean "))
    assert found.endswith("[E211]")


def test_both_ends_of_a_range_are_checked_against_what_stands_there() -> None:
    dropout = "- Dropout: {rate: RANGE}\n  - Dense: {units: 16"
    for written in ("{uniform: [0.2, 1.0]}", "{uniform: [-0.5, 0.5]}"):
        (line,) = errors(changed(("- Dense: {units: 16", dropout.replace("RANGE", written))))
        assert line.startswith("job.yaml:9:21 model.1.Dropout.rate: expected a number of at least 0 and below 1")
        assert line.endswith("Fix: narrow the bounds of uniform. [E304]")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (UNITS, "units: {uniform: [8, 64]}", "job.yaml:9:20 model.1.Dense.units: expected a whole number of at least 1"
                                             " (got a uniform). Fix: use int_uniform. [E304]"),
        ("batch_size: 32", "batch_size: {log_uniform: [8, 64]}",
         "job.yaml:15:30 fit.batch_size: a whole number is expected (got a log_uniform). Fix: use log_int_uniform. [E205]"),
    ],
)  # fmt: skip
def test_a_range_of_fractions_where_whole_numbers_stand(old: str, new: str, line: str) -> None:
    assert errors(changed((old, new))) == [line]


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ("search: {trials: {choice: [1, 2]}}", "2:18 search.trials"),
        ("keep: {best: {int_uniform: [1, 2]}}", "2:14 keep.best"),
        ("seed: {choice: []}", "2:7 seed"),
        ("limits: {choice: [{retries: 1}]}", "2:9 limits"),
    ],
)
def test_no_dimension_may_stand_where_the_whole_job_is_described(section: str, place: str) -> None:
    (line,) = errors(changed(("seed: 3", section)))
    name = section.split(":", maxsplit=1)[0]
    assert line == (
        f"job.yaml:{place}: `{name}` applies to the whole job and cannot be a dimension. Fix: write one value. [E212]"
    )


def test_names_and_counts_have_bounds() -> None:
    (line,) = errors(changed((UNITS, f"units: {{choice: {list(range(1, 1002))}}}")))
    assert "a choice has at most 1,000 values, not 1,001" in line
    layers = "".join("  - Dense: {units: {choice: [1, 2]}}\n" for _ in range(501))
    assert any(
        "has 501 dimensions; the limit is 500" in line
        for line in errors(changed(("  - Flatten\n", "  - Flatten\n" + layers)))
    )


def test_a_column_may_have_the_name_of_a_kind() -> None:
    for features in ("{choice: raw, image: {rescale: 0.5}}", "{image: {rescale: 0.5}, uniform: {rescale: 2}}"):
        assert parse(changed(("{image: {rescale: 0.0625, shape: [8, 8, 1]}}", features))).dimensions == ()


def test_no_dimension_no_choice() -> None:
    assert parse(SPEC).dimensions == ()


def test_an_argument_that_only_the_value_of_a_dimension_makes_look_like_one_is_told() -> None:
    # With 1 in the place of the choice, `int_uniform: [1, 3]` beside another key would be a dimension with a slip.
    text = changed(("units: 16", "units: 16, int_uniform: [{choice: [1, 2]}, 3]"))
    assert [line.split(" Fix: ")[0] for line in errors(text)] == [
        "job.yaml:9:24 model.1.Dense.int_uniform: Dense has no argument 'int_uniform'."
    ]
