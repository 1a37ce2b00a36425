"""Trials as templates and numbers: each is what its assignment says, whatever it shares with others."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqjobs.errors import SpecError
from seqjobs.jobspec.meaning import meaning_of
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.planning.expansion import TrialTable
from tests.fixtures.plans import table_of_texts
from tests.jobspec.spec_texts import DATA, changed, parse

# Numbers in every form that a spec has for them, next to values that change what is shared.
FREE = {
    "{learning_rate: 0.001}": (
        "{learning_rate: {choice: [0.001, 0.01, {ExponentialDecay: {initial_learning_rate: {uniform: [0.1, 0.2]},"
        " decay_steps: 9, decay_rate: 0.5}}]}, beta_1: {choice: [0, 0.5, 0.9]},"
        " clipnorm: {choice: [null, 1.0]}, weight_decay: {choice: [null, 0.1, 0.2]}}"
    ),
    "metrics: [accuracy]": "metrics: {choice: [[accuracy], [accuracy, {TopKCategoricalAccuracy: {k: 1}}]]}",
}
LAYERS = """\
  - Dropout: {choice: [0, 0.25, 0.5]}
  - GaussianNoise: {stddev: {uniform: [0.1, 1]}}
  - Dense: {units: {choice: [2, 3]}, kernel_regularizer: {choice: [l2, {L1L2: {l1: {uniform: [0.1, 0.2]}, l2: 0}}]}}
  - Dense: {units: 3, bias_regularizer: {L2: {l2: {choice: [0.01, 0.02, 1]}}}}
"""


def text_with(layers: str, *changes: tuple[str, str]) -> str:
    return changed(*changes).replace("model:\n", f"model:\n{layers}", 1)


def parts(spec: TrialSpec) -> tuple[object, ...]:
    """All that a trial is built from."""
    return spec.data, spec.model, dict(spec.compile), dict(spec.fit)


def assert_each_is_what_its_assignment_says(table: TrialTable) -> None:
    for trial in table.trials:
        alone = table.job(trial.job).trial(trial.hyperparameters)
        assert parts(trial.spec) == parts(alone)
        meaning = meaning_of(alone)
        assert (trial.template.structure, trial.numbers) == (meaning.structure, meaning.numbers)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**31 - 1))
def test_a_trial_is_what_its_assignment_says(seed: int) -> None:
    text = text_with(LAYERS, *FREE.items(), ("seed: 3", f"seed: {seed}\nsearch: {{trials: 40}}"))
    table = table_of_texts(DATA, text)
    assert_each_is_what_its_assignment_says(table)
    assert len({trial.key for trial in table.trials}) == len(table.trials) == 40
    assert len({trial.template.key for trial in table.trials}) < 40


def test_a_variant_is_what_it_says() -> None:
    variants = "variants:\n" + "".join(
        f"  - {{compile.optimizer.Adam.learning_rate: {rate}, fit.epochs: {epochs}}}\n"
        for rate, epochs in itertools.product((0.001, 0.002, 0.003), (2, 3))
    )
    table = table_of_texts(DATA, changed() + variants)
    assert_each_is_what_its_assignment_says(table)
    assert len({trial.template.key for trial in table.trials}) == 2


def test_trials_that_differ_in_numbers_share_a_template() -> None:
    rates = ("{learning_rate: 0.001}", "{learning_rate: {log_uniform: [0.001, 0.1]}, beta_1: {uniform: [0.1, 0.9]}}")
    layers = "  - Dropout: {rate: {uniform: [0.1, 0.5]}}\n"
    table = table_of_texts(DATA, text_with(layers, rates, ("seed: 3", "seed: 3\nsearch: {trials: 100}")))
    (template,) = {trial.template.key: trial.template for trial in table.trials}.values()
    paths = [("compile", "optimizer", "learning_rate"), ("compile", "optimizer", "beta_1"), ("model", 0, "rate")]
    assert set(paths) <= set(template.paths)
    assert len({trial.numbers for trial in table.trials}) == 100


@pytest.mark.parametrize("number", ["0", "1.0"])
def test_a_number_for_which_keras_has_another_formula_is_no_free_number(number: str) -> None:
    """1 is the default of no momentum, and of no rate that the tables take; 0 leaves a formula out."""
    momentum = ("{Adam: {learning_rate: 0.001}}", f"{{SGD: {{momentum: {{choice: [{number}, 0.5]}}}}}}")
    table = table_of_texts(DATA, changed(momentum, ("seed: 3", "seed: 3\nsearch: {sampler: grid}")))
    assert len({trial.template.key for trial in table.trials}) == (2 if number == "0" else 1)


def test_what_only_a_combination_makes_wrong_is_reported_with_its_values() -> None:
    clips = ("{learning_rate: 0.001}", "{clipnorm: {choice: [null, 1.0]}, global_clipnorm: {choice: [null, 2.0]}}")
    text = changed(clips, ("seed: 3", "seed: 3\nsearch: {sampler: grid}"))
    job = parse(text)
    wrong: Mapping[str, object] = {
        "compile.optimizer.Adam.clipnorm": 1.0,
        "compile.optimizer.Adam.global_clipnorm": 2.0,
    }
    with pytest.raises(SpecError) as alone:
        job.trial(wrong)
    with pytest.raises(SpecError) as expanded:
        table_of_texts(DATA, text)
    assert [line.split(": ", 1)[1] for line in expanded.value.lines] == [
        line.split(": ", 1)[1] for line in alone.value.lines
    ]
    assert "E304" in alone.value.lines[0]
