"""The tables against the installed Keras: names that an upgrade adds, drops or renames fail here first."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from seqjobs.errors.problems import Problems
from seqjobs.tables import METRICS, TABLES, Named, Table, history_name, parse_metrics
from seqjobs.tables._base import Entry, Kind, Required
from seqjobs.tables.arguments import (
    Each,
    Flag,
    Integer,
    ListOf,
    Nested,
    Number,
    OneOf,
    OneOrMore,
    Optional,
    Pattern,
    Wrapped,
)
from seqjobs.tables.callbacks import OWN_ARGUMENTS
from seqjobs.tables.metrics import CHOSEN_BY_KERAS
from tests.each_case import each_case

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def as_in_a_worker(runner: object) -> None:
    """TensorFlow's settings cannot change once it is used, and deterministic ops want a seed."""
    assert runner is not None
    keras.utils.set_random_seed(0)


NAMESPACES: dict[str, Any] = {
    "layer": keras.layers,
    "optimizer": keras.optimizers,
    "schedule": keras.optimizers.schedules,
    "loss": keras.losses,
    "metric": keras.metrics,
    "callback": keras.callbacks,
    "activation": keras.activations,
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}
# Base classes of Keras, which a spec cannot name and no table has to leave out with a reason.
ABSTRACT = {"Initializer", "Regularizer", "Constraint"}
# Functions that every Keras namespace has in addition to its classes.
NOT_ENTRIES = {"get", "serialize", "deserialize"}


def built(named: Named) -> Any:
    """Make the Keras object of a name, as a builder does."""
    target = getattr(NAMESPACES[named.table], named.name)
    if named.table == "activation":
        return target
    return target(**{name: part(value) for name, value in named.arguments.items()})


def part(value: Any) -> Any:
    return built(value) if isinstance(value, Named) else value


def keras_objects(table: Table) -> dict[str, Any]:
    """Return the public classes of a table's namespace (functions, for activations) by their own names."""
    namespace = NAMESPACES[table.name]
    wanted: Callable[[object], bool] = inspect.isfunction if table.name == "activation" else inspect.isclass
    found = {}
    for name in dir(namespace):
        value = getattr(namespace, name)
        if not name.startswith("_") and name not in NOT_ENTRIES and wanted(value):
            found[value.__name__ if hasattr(namespace, value.__name__) else name] = value
    return found


EVERY_ENTRY = [
    (table, entry)
    for table in TABLES.values()
    for entry in table.entries.values()
    if entry.name not in CHOSEN_BY_KERAS or table is not METRICS
]


@each_case(TABLES.values())
def test_every_public_name_is_offered_or_left_out_with_a_reason(table: Table) -> None:
    known = set(table.entries) | set(table.left_out)
    public = set(keras_objects(table)) - ABSTRACT
    assert public - known == set(), "new in Keras"
    ours = CHOSEN_BY_KERAS if table is METRICS else frozenset()
    gone = {name for name in known - ours if not hasattr(NAMESPACES[table.name], name)}
    assert gone == set(), "gone from Keras"
    assert not set(table.entries) & set(table.left_out)


@each_case(EVERY_ENTRY)
def test_every_argument_is_offered_with_its_default_or_left_out(table: Table, entry: Entry) -> None:
    target = getattr(NAMESPACES[table.name], entry.name)
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(target).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }
    if entry.name not in OWN_ARGUMENTS:
        base = {"activity_regularizer"} if table.name == "layer" else set()
        assert set(entry.arguments) - set(parameters) - base == set(), "not an argument of Keras"
    left_out = set(entry.left_out) | set(table.left_out_arguments)
    assert set(parameters) - set(entry.arguments) - left_out == set(), "new in Keras"
    assert set(entry.left_out) <= set(parameters), "left out, and not there"
    for name in set(entry.arguments) & set(parameters):
        assert_same_default(entry, name, parameters[name].default)


def assert_same_default(entry: Entry, name: str, default: object) -> None:
    argument = entry.arguments[name]
    if name in entry.made_required:
        assert isinstance(argument.default, Required)
        assert default is not inspect.Parameter.empty
        return
    if isinstance(argument.default, Required):
        assert default is inspect.Parameter.empty, f"{name} has a default in Keras: {default}"
        return
    problems = Problems()
    checked = argument.kind.check(default, (name,), problems)
    assert [problem.what for problem in problems] == []
    assert checked == argument.default


@each_case(TABLES.values())
def test_every_reason_for_an_argument_is_used(table: Table) -> None:
    taken: set[str] = {"input_shape", "input_dim", "batch_size", "trainable", "autocast", "activity_regularizer"}
    for name, target in keras_objects(table).items():
        if name in table.entries:
            taken |= set(inspect.signature(target).parameters)
    assert set(table.left_out_arguments) <= taken


@each_case([table for table in TABLES.values() if table.aliases])
def test_keras_knows_every_alias_as_the_same_entry(table: Table) -> None:
    namespace = NAMESPACES[table.name]
    for alias, name in table.aliases.items():
        ours = getattr(namespace, name)
        if table.name == "activation" or getattr(namespace, alias, None) is ours:
            assert getattr(namespace, alias) is ours
        elif alias not in OUR_ALIASES and not table.entries[name].required:
            theirs = namespace.get(alias)
            # For an alias of a loss, Keras gives the function of the same meaning.
            assert (theirs is ours().fn) if table.name == "loss" else (type(theirs) is ours)


# Aliases that Keras's `get` does not know, though it knows similar ones.
OUR_ALIASES = {"lamb", "categorical_generalized_cross_entropy"}


NEEDED: dict[str, dict[str, object]] = {
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "F1Score": {"average": "macro"},
    "FBetaScore": {"average": "micro"},
    "IoU": {"num_classes": 3, "target_class_ids": [0], "sparse_y_true": False, "sparse_y_pred": False},
    "MeanIoU": {"num_classes": 3, "sparse_y_true": False, "sparse_y_pred": False},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 3},
    "PiecewiseConstantDecay": {"boundaries": [1], "values": [1, 0.5]},
}


def sample(kind: Kind) -> object:
    """Return a value that this kind takes, for arguments that have no default."""
    if isinstance(kind, Pattern):
        return "ab,bc->ac"
    if isinstance(kind, ListOf):
        return [sample(kind.item)] * kind.shortest
    if isinstance(kind, Each | OneOrMore):
        return sample(kind.item)
    if isinstance(kind, Optional):
        return sample(kind.kind)
    if isinstance(kind, Wrapped):
        return {"LSTM": {"units": 2}}
    if isinstance(kind, OneOf):
        return kind.words[0]
    if isinstance(kind, Nested):
        return next(iter(kind.table.entries))
    return 1 if isinstance(kind, Integer) else 0.5


@each_case(EVERY_ENTRY)
def test_keras_builds_what_the_table_accepts(table: Table, entry: Entry) -> None:
    required = {name: sample(entry.arguments[name].kind) for name in entry.required} | NEEDED.get(entry.name, {})
    if entry.name in OWN_ARGUMENTS:
        return
    tries: list[dict[str, object]] = [required]
    for name, argument in entry.arguments.items():
        kind = argument.kind
        if isinstance(kind, OneOf):
            tries.extend({**required, name: word} for word in kind.words)
        elif isinstance(kind, Optional):
            tries.append({**required, name: None})
        elif isinstance(kind, Flag):
            tries.append({**required, name: not argument.default})
        elif isinstance(kind, Number) and not isinstance(argument.default, Required):
            # Whole numbers, where Keras asks for a float.
            tries.append({**required, name: 1 if kind.below is None else 0})
    for arguments in tries:
        problems = Problems()
        named = table.parse({entry.name: arguments} if not table.names_only else entry.name, (), problems)
        if named is None:
            # Refused because arguments exclude each other, or because 0 or 1 is out of bounds.
            assert {problem.code for problem in problems} == {"E304"}
            assert arguments is not required
            continue
        built(named)


def histories(metrics: list[Any], writings: list[Any]) -> list[str]:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(loss="categorical_crossentropy", metrics=metrics)
    x, y = np.ones((4, 4), np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    return list(model.fit(x, y, epochs=1, verbose=0).history)[: len(writings)]


def test_history_names_are_the_columns_of_a_real_fit() -> None:
    skipped = {
        # These compare shapes that a model with one-hot targets does not have.
        *("SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy", "BinaryIoU"),
    }
    names = [name for name in METRICS.entries if name not in skipped]
    problems = Problems()
    writings: list[object] = [{name: NEEDED.get(name)} for name in names if name not in ("Accuracy",)]
    metrics = parse_metrics(writings, ("metrics",), problems)
    assert metrics is not None, [problem.what for problem in problems]
    keras.utils.clear_session()
    real = [named.name if named.name in CHOSEN_BY_KERAS else built(named) for named in metrics]
    expected = [history_name(named) for named in metrics]
    assert sorted(set(histories(real, [*expected, "loss"]))) == sorted({*expected, "loss"})


@each_case(["SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "BinaryIoU", "Accuracy"])
def test_history_names_of_the_other_metrics_are_their_default_names(name: str) -> None:
    keras.utils.clear_session()
    named = METRICS.parse({name: None}, (), Problems())
    assert named is not None
    assert built(named).name == history_name(named)


def test_history_names_of_aliases_are_the_aliases_as_written() -> None:
    aliases = ["accuracy", "mse", "MAE", "auc", "precision", "top_k_categorical_accuracy", "kl_divergence"]
    metrics = parse_metrics(aliases, (), Problems())
    assert metrics is not None
    assert [named.name for named in metrics] == aliases
    columns = histories([named.name for named in metrics], [*aliases, "loss"])
    assert sorted(columns) == sorted([*map(history_name, metrics), "loss"])
