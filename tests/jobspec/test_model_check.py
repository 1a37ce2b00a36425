"""What is told of loss, output, target, metrics and callbacks together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqjobs.errors.problems import Problem, Problems
from seqjobs.jobspec.model_check import (
    WITHOUT_DIRECTION,
    TargetKind,
    check_metrics,
    check_names,
    check_output,
    final_activation,
    history_columns,
    needs_integer,
    needs_one_hot,
)
from seqjobs.jobspec.shapes import Shape
from seqjobs.tables import (
    CALLBACKS,
    LAYERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    Named,
    Table,
    history_name,
    parse_metrics,
)


def named(table: Table, written: object) -> Named:
    parsed = table.parse(written, (), Problems())
    assert parsed is not None
    return parsed


def dense(activation: str | None) -> dict[str, object]:
    return {"Dense": {"units": 1, "activation": activation}}


def output_problems(
    shape: Shape,
    last: object,
    loss: object,
    *,
    kind: TargetKind = "integer",
    classes: int | None = None,
    target_width: int = 1,
) -> list[Problem]:
    problems = Problems()
    check_output(
        shape,
        named(LAYERS, last),
        named(LOSSES, loss),
        target_kind=kind,
        num_classes=classes,
        target_width=target_width,
        path=("compile", "loss"),
        problems=problems,
    )
    assert all(problem.path == ("compile", "loss") for problem in problems)
    assert all(problem.fix for problem in problems)
    return list(problems)


LOGITS = {"SparseCategoricalCrossentropy": {"from_logits": True}}
BINARY_LOGITS = {"BinaryCrossentropy": {"from_logits": True}}


@pytest.mark.parametrize(
    ("shape", "last", "loss", "more"),
    [
        ((10,), dense("softmax"), "sparse_categorical_crossentropy", {"classes": 10}),
        ((12,), dense("softmax"), "sparse_categorical_crossentropy", {"classes": 10}),
        ((10,), dense(None), LOGITS, {"classes": 10}),
        ((10,), "Softmax", "sparse_categorical_crossentropy", {"classes": 10, "kind": "string"}),
        ((12,), "Softmax", "sparse_categorical_crossentropy", {"classes": 10}),
        ((3,), dense("softmax"), "categorical_crossentropy", {"classes": 3, "kind": "string"}),
        ((12,), dense("softmax"), "categorical_crossentropy", {"classes": 10}),
        ((3,), dense("softmax"), "kl_divergence", {"target_width": 3, "kind": "number"}),
        ((1,), dense("sigmoid"), "binary_crossentropy", {"classes": 2}),
        ((1,), dense("sigmoid"), "binary_crossentropy", {"classes": 2, "kind": "string"}),
        ((1,), dense(None), BINARY_LOGITS, {"classes": 2}),
        ((5,), dense("sigmoid"), "binary_crossentropy", {"target_width": 5}),
        ((1,), dense(None), "mse", {"kind": "number"}),
        ((1,), dense("exponential"), "poisson", {}),
        ((4,), dense(None), "mse", {"kind": "number", "target_width": 4}),
        ((1,), dense("tanh"), "hinge", {"classes": 2}),
        ((64,), "UnitNormalization", "circle", {"classes": 10}),
        ((10,), "Flatten", "sparse_categorical_crossentropy", {"classes": 10}),
        ((28, 28, 1), dense("sigmoid"), "binary_crossentropy", {"target_width": 784}),
        ((1, 10), dense("softmax"), "sparse_categorical_crossentropy", {"classes": 10}),
    ],
)
def test_what_fits_is_let_through(shape: Shape, last: object, loss: object, more: dict[str, Any]) -> None:
    assert output_problems(shape, last, loss, **more) == []


@pytest.mark.parametrize(
    ("shape", "last", "loss", "more", "code", "what", "fix"),
    [
        ((8,), dense("softmax"), "sparse_categorical_crossentropy", {"classes": 10}, "E309", "10 classes", "10 units"),
        ((1,), dense("sigmoid"), "sparse_categorical_crossentropy", {"classes": 2}, "E309", "2 classes", "binary_"),
        ((1,), dense("softmax"), "sparse_categorical_crossentropy", {}, "E309", "two or more", "softmax"),
        ((8,), dense("softmax"), "categorical_crossentropy", {"classes": 10}, "E309", "10 classes", "10 units"),
        (
            (12,),
            dense("softmax"),
            "categorical_crossentropy",
            {"classes": 10, "kind": "string"},
            "E309",
            "10 classes",
            "10 units",
        ),
        (
            (4,),
            dense("softmax"),
            "sparse_categorical_crossentropy",
            {"classes": 3, "kind": "string"},
            "E309",
            "3 classes",
            "3 units",
        ),
        ((1,), dense("sigmoid"), "binary_crossentropy", {"classes": 3}, "E310", "target has 3", "units: 3"),
        ((2,), dense("sigmoid"), "binary_crossentropy", {"classes": 2}, "E309", "one by one", "units: 1"),
        ((3,), dense(None), "mse", {"kind": "number"}, "E309", "gives (3,)", "units: 1"),
        ((10, 3), dense("softmax"), "sparse_categorical_crossentropy", {"classes": 3}, "E309", "(10, 3)", "Flatten"),
        ((10, 1), dense(None), "mse", {"kind": "number"}, "E309", "(10, 1)", "Flatten"),
        ((1,), dense("softmax"), "binary_crossentropy", {"classes": 2}, "E310", "always 1", "sigmoid"),
        ((1,), dense("softmax"), "mse", {}, "E310", "always 1", "sigmoid"),
        ((3,), dense("sigmoid"), "categorical_crossentropy", {"classes": 3}, "E310", "is sigmoid", "softmax"),
        ((3,), dense(None), "categorical_crossentropy", {"classes": 3}, "E310", "is linear", "from_logits: true"),
        ((3,), dense("relu"), "sparse_categorical_crossentropy", {"classes": 3}, "E310", "is relu", "softmax"),
        ((1,), dense(None), "binary_crossentropy", {"classes": 2}, "E310", "is linear", "sigmoid"),
        ((3,), dense("softmax"), LOGITS, {"classes": 3}, "E310", "from_logits", "remove"),
        ((1,), dense("sigmoid"), BINARY_LOGITS, {"classes": 2}, "E310", "from_logits", "remove"),
        (
            (3,),
            {"TimeDistributed": {"layer": dense("softmax")}},
            LOGITS,
            {"classes": 3},
            "E310",
            "from_logits",
            "remove",
        ),
        ((1,), dense(None), "poisson", {}, "E310", "logarithm", "softplus"),
        ((1,), dense(None), "mse", {"kind": "string", "classes": 3}, "E310", "text", "sparse_categorical"),
        ((3,), dense("softmax"), "sparse_categorical_crossentropy", {"kind": "number"}, "E310", "fractions", "mse"),
    ],
)
def test_what_does_not_fit_is_told(
    shape: Shape, last: object, loss: object, more: dict[str, Any], code: str, what: str, fix: str
) -> None:
    (problem,) = output_problems(shape, last, loss, **more)
    assert problem.code == code
    assert what in problem.what
    assert fix in problem.fix


def test_how_losses_want_their_targets() -> None:
    one_hot = {name for name in LOSSES.entries if needs_one_hot(named(LOSSES, name))}
    integer = {name for name in LOSSES.entries if needs_integer(named(LOSSES, name))}
    assert integer == {"SparseCategoricalCrossentropy", "Circle"}
    assert not one_hot & integer
    assert {"CategoricalCrossentropy", "CategoricalHinge", "KLDivergence", "CosineSimilarity"} <= one_hot
    assert not one_hot & {"BinaryCrossentropy", "MeanSquaredError", "Hinge", "Dice"}


@pytest.mark.parametrize(
    ("last", "activation"),
    [
        (dense("softmax"), "softmax"),
        (dense(None), "linear"),
        ({"Activation": {"activation": "tanh"}}, "tanh"),
        ("Softmax", "softmax"),
        ({"TimeDistributed": {"layer": dense("sigmoid")}}, "sigmoid"),
        ("ReLU", "relu"),
        ("Flatten", None),
        ({"LSTM": {"units": 3}}, None),
    ],
)
def test_the_activation_a_layer_ends_with(last: object, activation: str | None) -> None:
    assert final_activation(named(LAYERS, last)) == activation


@pytest.mark.parametrize(
    ("loss", "metric", "fix"),
    [
        ("sparse_categorical_crossentropy", "categorical_accuracy", "use SparseCategoricalAccuracy"),
        ("sparse_categorical_crossentropy", {"AUC": None}, "accuracy"),
        ("categorical_crossentropy", "sparse_categorical_accuracy", "use CategoricalAccuracy"),
        ("binary_crossentropy", {"CategoricalAccuracy": None}, "Binary"),
        ("binary_crossentropy", "accuracy", None),
        ("binary_crossentropy", "auc", None),
        ("sparse_categorical_crossentropy", "acc", None),
        ("sparse_categorical_crossentropy", {"SparseTopKCategoricalAccuracy": {"k": 3}}, None),
        ("categorical_crossentropy", {"F1Score": {"average": "macro"}}, None),
        ("mse", "mae", None),
    ],
)
def test_metrics_take_the_targets_of_the_loss(loss: str, metric: object, fix: str | None) -> None:
    problems = Problems()
    metrics = parse_metrics([metric], (), problems)
    assert metrics is not None
    check_metrics(metrics, named(LOSSES, loss), ("compile", "metrics"), problems)
    found = [(problem.code, problem.path, (fix or "-") in problem.fix) for problem in problems]
    assert found == ([] if fix is None else [("E310", ("compile", "metrics", 0), True)])


def names(
    *,
    metrics: tuple[object, ...] = ("accuracy",),
    weighted: tuple[object, ...] = (),
    callbacks: tuple[object, ...] = (),
    optimizer: object = "adam",
    objective: str | None = None,
    has_validation: bool = True,
) -> list[Problem]:
    problems = Problems()
    check_names(
        metrics=tuple(named(METRICS, metric) for metric in metrics),
        weighted=tuple(named(METRICS, metric) for metric in weighted),
        callbacks=tuple(named(CALLBACKS, callback) for callback in callbacks),
        optimizer=named(OPTIMIZERS, optimizer),
        objective=objective,
        has_validation=has_validation,
        problems=problems,
    )
    return list(problems)


STOP = {"EarlyStopping": {"monitor": "val_acc"}}
SCHEDULE = {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}}


def test_names_that_the_history_has_are_let_through() -> None:
    assert names(callbacks=("EarlyStopping", {"ReduceLROnPlateau": {"monitor": "val_accuracy"}})) == []
    assert names(objective="val_accuracy") == []
    assert names(objective="loss", has_validation=False) == []
    assert names(callbacks=({"EarlyStopping": {"monitor": "mse"}},), metrics=("mse",), has_validation=False) == []


def test_a_monitor_that_no_history_has_is_told_with_the_columns() -> None:
    (problem,) = names(callbacks=("TerminateOnNaN", STOP))
    assert (problem.code, problem.path) == ("E311", ("fit", "callbacks", 1, "EarlyStopping", "monitor"))
    assert "did you mean 'val_accuracy'" in problem.fix
    assert "loss, accuracy, val_loss, val_accuracy" in problem.fix


def test_a_default_monitor_without_validation_is_told_at_the_callback() -> None:
    (problem,) = names(callbacks=("EarlyStopping",), has_validation=False)
    assert (problem.code, problem.path) == ("E311", ("fit", "callbacks", 0))
    assert "validation_split" in problem.fix


def test_an_objective_that_no_history_has_is_told() -> None:
    (problem,) = names(objective="val_accuracy", has_validation=False)
    assert (problem.code, problem.path) == ("E312", ("objective", "metric"))
    (problem,) = names(objective="acuracy")
    assert "did you mean 'accuracy'" in problem.fix


def test_a_monitor_without_a_direction_needs_a_mode() -> None:
    counts = ({"FalsePositives": None},)
    monitors = {"monitor": "val_false_positives"}
    (problem,) = names(metrics=counts, callbacks=({"EarlyStopping": monitors},))
    assert (problem.code, problem.path) == ("E304", ("fit", "callbacks", 0))
    assert names(metrics=counts, callbacks=({"EarlyStopping": {**monitors, "mode": "min"}},)) == []


def test_a_callback_and_a_schedule_cannot_both_set_the_rate() -> None:
    (problem,) = names(callbacks=("ReduceLROnPlateau",), optimizer={"SGD": {"learning_rate": SCHEDULE}})
    assert (problem.code, problem.path) == ("E209", ("fit", "callbacks", 0))
    assert names(callbacks=("EarlyStopping",), optimizer={"SGD": {"learning_rate": SCHEDULE}}) == []


# --- against Keras itself ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras(runner: object) -> Any:
    """TensorFlow as a worker has it: its settings cannot change once it is used, and deterministic ops want a seed."""
    assert runner is not None
    import keras  # noqa: PLC0415

    keras.utils.set_random_seed(0)
    return keras


# Keras 3.15.1 reads the rate of an optimizer in a way that NumPy 2 warns of.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_columns_are_those_of_a_real_history(keras: Any) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse", metrics=["mae"], weighted_metrics=["mse", "mae"])
    x, y = np.ones((8, 3), np.float32), np.ones((8, 1), np.float32)
    callback = named(CALLBACKS, "ReduceLROnPlateau")
    real = model.fit(x, y, validation_data=(x, y), verbose=0, callbacks=[keras.callbacks.ReduceLROnPlateau()]).history
    weighted = (named(METRICS, "mse"), named(METRICS, "mae"))
    columns = history_columns((named(METRICS, "mae"),), (callback,), weighted=weighted, has_validation=True)
    assert sorted(columns) == sorted(real)
    assert "val_weighted_mae" in columns
    assert "learning_rate" in columns


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_monitor_of_a_weighted_metric_needs_a_mode_where_its_name_is_not_the_metrics(keras: Any) -> None:
    """Keras looks for a metric of the monitor's name, and finds none that is called `weighted_mae`."""
    for metrics, monitor in [
        (("mae",), {"monitor": "weighted_mae"}),
        (("mae",), {"monitor": "weighted_mae", "mode": "min"}),
        ((), {"monitor": "mae"}),
    ]:
        found = names(metrics=metrics, weighted=("mae",), callbacks=({"EarlyStopping": monitor},), has_validation=False)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", loss="mse", metrics=list(metrics), weighted_metrics=["mae"])
        x, y = np.ones((8, 3), np.float32), np.ones((8, 1), np.float32)
        stop = keras.callbacks.EarlyStopping(**monitor)
        if found:
            assert [problem.code for problem in found] == ["E304"]
            with pytest.raises(ValueError, match="automatically determine"):
                model.fit(x, y, verbose=0, callbacks=[stop])
        else:
            model.fit(x, y, verbose=0, callbacks=[stop])
        assert bool(found) == (monitor == {"monitor": "weighted_mae"})


@pytest.mark.slow
def test_metrics_without_a_direction_are_those_of_keras(keras: Any) -> None:
    needed: dict[str, dict[str, object]] = {
        "PrecisionAtRecall": {"recall": 0.5},
        "RecallAtPrecision": {"precision": 0.5},
        "SensitivityAtSpecificity": {"specificity": 0.5},
        "SpecificityAtSensitivity": {"sensitivity": 0.5},
        "IoU": {"num_classes": 2, "target_class_ids": [0]},
        "MeanIoU": {"num_classes": 2},
        "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
        "OneHotMeanIoU": {"num_classes": 2},
    }
    classes = set(METRICS.entries) - {"accuracy", "acc"}
    made = {name: getattr(keras.metrics, name)(**needed.get(name, {})) for name in classes}
    assert {name for name, metric in made.items() if not getattr(metric, "_direction", None)} == WITHOUT_DIRECTION
    assert {history_name(named(METRICS, {"AUC": None}))} == {"auc"}


@pytest.mark.slow
def test_keras_refuses_a_callback_beside_a_schedule(keras: Any) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model.compile(keras.optimizers.SGD(schedule), loss="mse")
    x, y = np.ones((8, 3), np.float32), np.ones((8, 1), np.float32)
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        model.fit(x, y, verbose=0, callbacks=[scheduler])
