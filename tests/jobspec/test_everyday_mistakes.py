"""What newcomers write: the message names what they most likely mean."""

from __future__ import annotations

import pytest

from seqjobs.errors.problems import nearest
from seqjobs.tables import CALLBACKS, INITIALIZERS, LAYERS, LOSSES, METRICS, OPTIMIZERS, Table
from tests.errors.lines import code_of
from tests.jobspec.spec_texts import changed, errors

ADAM = "{Adam: {learning_rate: 0.001}}"


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        (ADAM, "adma", "adam"),
        (ADAM, "Adma", "adam"),
        (ADAM, "sdg", "sgd"),
        (ADAM, "rms_prop", "rmsprop"),
        (ADAM, "{Adam: {lr: 0.01}}", "learning_rate"),
        ("[accuracy]", "[f1]", "f1_score"),
        ("[accuracy]", "[F1]", "f1_score"),
        ("[accuracy]", "[roc_auc]", "auc"),
        ("[accuracy]", "[acuracy]", "accuracy"),
        ("sparse_categorical_crossentropy", "cross_entropy", "sparse_categorical_crossentropy"),
        ("sparse_categorical_crossentropy", "log_loss", "binary_crossentropy"),
        ("sparse_categorical_crossentropy", "rmse", "mse"),
        ("activation: relu", "activation: rleu", "relu"),
        ("activation: relu", "activation: sofmax", "softmax"),
        ("units: 16", "neurons: 16", "units"),
        ("- Flatten", "- BatchNorm", "BatchNormalization"),
        ("- Flatten", "- Linear: {units: 3}", "Dense"),
        ("epochs: 2", "epoch: 2", "epochs"),
        ("batch_size: 32", "batch: 32", "batch_size"),
        ("validation_split", "val_split", "validation_split"),
        ("target: label", "label: label", "target"),
        ("target: label", "target: label\n  csv: {separator: ';'}", "delimiter"),
        ("target: label", "target: label\n  validation_split: 0.2", "validation_split"),
        ("{rescale: 0.0625, shape: [8, 8, 1]}", "lookup", "index"),
        ("{rescale: 0.0625, shape: [8, 8, 1]}", "normalize", "standardize"),
        ("{rescale: 0.0625, shape: [8, 8, 1]}", "{impute: {value: 0}}", "constant"),
        ("[accuracy]", "[accuracy]\n  metric: [auc]", "metrics"),
        ("direction: maximize", "direction: max", "maximize"),
        ("metric: val_accuracy", "metric: val_acc", "val_accuracy"),
    ],
)
def test_what_is_most_likely_meant_is_named(old: str, new: str, meant: str) -> None:
    assert any(
        f"Did you mean '{meant}'" in line or f"did you mean '{meant}'" in line for line in errors(changed((old, new)))
    )


@pytest.mark.parametrize("table", [LAYERS, OPTIMIZERS, LOSSES, METRICS, CALLBACKS, INITIALIZERS], ids=lambda t: t.name)
def test_a_name_that_is_known_is_nearest_to_itself(table: Table) -> None:
    names = [*table.entries, *table.aliases]
    assert [name for name in names if (nearest(name, names) or "").lower() != name.lower()] == []


@pytest.mark.parametrize(
    ("old", "new", "form"),
    [
        (ADAM, "{name: Adam, learning_rate: 0.01}", "{Adam: {learning_rate: 0.01}}"),
        (ADAM, "{type: adam, learning_rate: 0.01}", "{Adam: {learning_rate: 0.01}}"),
        (ADAM, "{name: adam}", "Adam"),
        (ADAM, "{class_name: Adam, config: {learning_rate: 0.01, name: mine}}", "{Adam: {learning_rate: 0.01}}"),
        ("- Flatten", "- {name: Dense, units: 3, activation: relu}", "{Dense: {units: 3, activation: relu}}"),
        ("activation: relu", "activation: {name: relu}", "relu"),
    ],
)
def test_the_right_form_of_a_named_object_is_shown(old: str, new: str, form: str) -> None:
    (line,) = errors(changed((old, new)))
    assert f"Fix: write {form}. [" in line
    assert code_of(line) == ("E704" if "class_name" in new else "E315")


def test_the_right_form_shows_only_arguments_that_exist() -> None:
    lines = errors(changed((ADAM, "{name: Adam, password: hunter2}")))
    assert lines[0].endswith("Fix: write Adam. [E315]")
    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [("validation_split: 0.2", "validation_split: 20", "0.2"), ("- Flatten", "- Dropout: {rate: 30}", "0.3")],
)
def test_a_percentage_is_read_as_a_fraction(old: str, new: str, meant: str) -> None:
    (line,) = errors(changed((old, new)))
    assert f"Did you mean {meant}?" in line


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- Flatten", "- MyAttention: {heads: 2}"),
        ("- Flatten", "- CustomDense: {units: 2}"),
        ("- Flatten", "- my_package.Block"),
        ("sparse_categorical_crossentropy", "custom_loss"),
        ("[accuracy]", "[my_metric]"),
    ],
)
def test_objects_of_ones_own_are_refused_with_the_reason(old: str, new: str) -> None:
    (line,) = errors(changed((old, new)))
    assert "a spec cannot name your own code, because a spec never runs code" in line


@pytest.mark.parametrize(
    ("old", "new", "form"),
    [
        ("- Flatten", "- Dense(8, activation='relu')", "{Dense: {units: ...}}"),
        ("- Flatten", "- keras.layers.Flatten()", "Flatten"),
        (ADAM, "Adam(learning_rate=0.1)", "{Adam: {learning_rate: ...}}"),
    ],
)
def test_a_call_as_in_python_is_refused_with_the_right_form(old: str, new: str, form: str) -> None:
    (line,) = errors(changed((old, new)))
    assert "is not written as a call" in line
    assert line.endswith(f"Fix: write {form}. [E315]")


@pytest.mark.parametrize(
    ("old", "new", "choice"),
    [
        ("units: 16", "units: [32, 64]", "{choice: [32, 64]}"),
        ("learning_rate: 0.001", "learning_rate: [0.1, 0.01]", "{choice: [0.1, 0.01]}"),
    ],
)
def test_several_values_lead_to_a_choice(old: str, new: str, choice: str) -> None:
    (line,) = errors(changed((old, new)))
    assert line.endswith(f"Fix: give one value, or {choice} to search over these. [E304]")
    changed_spec = changed((old, f"{new.partition(':')[0]}: {choice}"))
    assert "E304" not in "".join(errors(changed_spec + "wrong: 1\n"))


def test_a_long_list_of_names_begins_with_the_common_ones() -> None:
    (line,) = errors(changed(("- Flatten", "- Zzz")))
    assert (
        "Fix: use one of BatchNormalization, Conv2D, Dense, Dropout, Embedding, Flatten, LSTM, MaxPooling2D, " in line
    )
    assert " more. [E301]" in line
