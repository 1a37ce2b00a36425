"""Variants: explicit overrides, one a trial."""

from __future__ import annotations

import pytest

from tests.errors.lines import code_of
from tests.fixtures.plans import plan_of_texts
from tests.jobspec.spec_texts import DATA, SPEC, changed, errors


def variants(*items: str, text: str = SPEC) -> str:
    return text + "variants:\n" + "".join(f"  - {item}\n" for item in items)


def test_each_variant_is_a_trial() -> None:
    text = variants(
        "{fit.epochs: 3}", "{model.1.Dense.units: 8, compile.optimizer: sgd}", "fit: {epochs: 5, validation_split: 0.1}"
    )
    plan = plan_of_texts(DATA, text)
    by_number = {trial.number: trial for trial in plan.trials}
    assert [by_number[number].spec.fit.epochs for number in range(3)] == [3, 2, 5]
    assert by_number[1].spec.model[1].arguments["units"] == 8
    assert by_number[1].spec.compile.optimizer.name == "SGD"
    assert by_number[1].hyperparameters == {"model.1.Dense.units": 8, "compile.optimizer": "sgd"}


def test_a_name_gives_way_to_its_arguments() -> None:
    text = variants("{compile.optimizer.SGD.momentum: 0.9}", text=changed(("{Adam: {learning_rate: 0.001}}", "adam")))
    (trial,) = plan_of_texts(DATA, text).trials
    assert trial.spec.compile.optimizer.canonical() == {"SGD": {"momentum": 0.9}}


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("{fit.epochs: 0}", "job.yaml:18:18 variants.0.fit.epochs: a number of at least 1 is expected (got 0)."
                            " Fix: write a larger number, such as 1. [E206]"),
        ("{fit.epoch: 3}", "job.yaml:18:6 variants.0.fit.epoch: unknown key 'epoch'. Did you mean 'epochs'? [E201]"),
        ("{fit.epoch.s: 3}", "job.yaml:18:6 variants.0.fit.epoch.s: unknown key 'epoch'."
                             " Did you mean 'epochs'? [E201]"),
        ("{compile.optimiser.Adam: null}", "job.yaml:18:6 variants.0.compile.optimiser.Adam: unknown key 'optimiser'."
                                           " Did you mean 'optimizer'? [E201]"),
        ("{model.1.Dense: {units: -1}}", "job.yaml:18:29 variants.0.model.1.Dense.units: expected a whole number of"
                                         " at least 1 (got -1). Fix: give a value within these bounds. [E304]"),
        ("{model.7.Dense: {units: 1}}", "job.yaml:18:6 variants.0.model.7.Dense: there is nothing at this path."
                                        " Fix: name a place that the sections above have. [E213]"),
        ("{fit.epochs.x: 1}", "job.yaml:18:6 variants.0.fit.epochs.x: there is nothing at this path."
                              " Fix: name a place that the sections above have. [E213]"),
        ("{serch.trials: 1}", "job.yaml:18:6 variants.0.serch.trials: a variant cannot change this path."
                              " Fix: begin it with data, model, compile, fit. [E213]"),
        ("{modl.0: Flatten}", "job.yaml:18:6 variants.0.modl.0: a variant cannot change this path."
                              " Did you mean 'model'? [E213]"),
        ("{fit..epochs: 1}", "job.yaml:18:6 variants.0.fit..epochs: a path is names and numbers separated by"
                             " dots. Fix: write it as fit.batch_size. [E213]"),
        ("{fit.epochs: {choice: [1, 2]}}", "job.yaml:18:18 variants.0.fit.epochs: a variant cannot hold a"
                                           " dimension. Fix: write one value, or drop the variants and write the"
                                           " dimension in its section. [E212]"),
        ("3", "job.yaml:18:5 variants.0: a variant is a mapping of paths to values (got 3)."
              " Fix: write `- {fit.batch_size: 64}`, one line per variant. [E213]"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_the_variant_is_written(item: str, line: str) -> None:
    assert errors(variants(item, "{fit.batch_size: 16}")) == [line]


def test_long_paths_are_refused() -> None:
    for key in ("fit." + "a." * 500 + "b", "model." + "9" * 150 + ".Dense"):
        assert any(code_of(line) in ("E111", "E213") for line in errors(variants(f"{{{key}: 1}}")))


def test_all_mistakes_of_all_variants_are_told() -> None:
    lines = errors(variants("{fit.epochs: 0}", "{fit.epochs: x}", "{fit.epoch: 3}"))
    assert [line.split()[0] for line in lines] == ["job.yaml:18:18", "job.yaml:19:18", "job.yaml:20:6"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{fit.epochs: 3}", "{fit.epochs: 3}"),
        ("{compile.optimizer: adam}", "{compile.optimizer: {Adam: {learning_rate: 0.001}}}"),
        ("{model.1.Dense.units: 8}", "{model.1.Dense: {units: 8, activation: relu, use_bias: true}}"),
    ],
)
def test_two_variants_that_mean_the_same_are_refused(first: str, second: str) -> None:
    assert errors(variants(first, "{fit.epochs: 4}", second)) == [
        "job.yaml:20:5 variants.2: this variant means the same as the variant 0."
        " Fix: remove one of them, or change a value. [E213]"
    ]


def test_variants_and_dimensions_exclude_each_other() -> None:
    (line,) = errors(variants("{fit.epochs: 3}", text=changed(("units: 16", "units: {choice: [8, 16]}"))))
    assert line.startswith("job.yaml:17:1 variants: a spec has variants or dimensions, not both.")
    assert line.endswith("[E209]")


@pytest.mark.parametrize("value", ["[]", "3", "{fit.epochs: 3}"])
def test_variants_are_a_list(value: str) -> None:
    (line,) = errors(SPEC + f"variants: {value}\n")
    assert line.startswith("job.yaml:17:11 variants: variants are a list of mappings of paths to values")
    assert line.endswith("[E213]")
