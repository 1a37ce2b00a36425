"""What the tables accept, the values they give, and how they refuse the rest."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from seqjobs.errors.problems import Path, Problem, Problems
from seqjobs.tables import (
    ACTIVATIONS,
    CALLBACKS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    REGULARIZERS,
    TABLES,
    JsonValue,
    Named,
    Table,
    complete_arguments,
    history_name,
    json_schema_definitions,
    parse_layers,
    parse_metrics,
)
from seqjobs.tables._base import Required
from seqjobs.tables.arguments import OneOf, Pattern
from tests.each_case import each_case


def accepted(table: Table, value: object) -> Named:
    problems = Problems()
    named = table.parse(value, ("here",), problems)
    assert named is not None, [problem.line() for problem in problems]
    assert len(problems) == 0
    return named


def refused(table: Table, value: object) -> list[Problem]:
    problems = Problems()
    assert table.parse(value, ("here",), problems) is None
    assert len(problems) > 0
    return list(problems)


def codes_and_places(problems: list[Problem]) -> list[tuple[str, Path, str]]:
    return [(problem.code, problem.path, problem.at) for problem in problems]


@each_case(
    [
        (LAYERS, ["Flatten", {"Flatten": None}, {"Flatten": {}}], "Flatten"),
        (LAYERS, [{"Dense": {"units": 3, "use_bias": True, "activation": None}}], {"Dense": {"units": 3}}),
        (LAYERS, [{"Dense": {"units": 3, "activation": "linear"}}], {"Dense": {"units": 3}}),
        (
            LAYERS,
            [
                {"Conv2D": {"filters": 8, "kernel_size": 3, "strides": 1}},
                {"Conv2D": {"kernel_size": [3, 3], "filters": 8, "strides": [1, 1]}},
            ],
            {"Conv2D": {"filters": 8, "kernel_size": [3, 3]}},
        ),
        (
            LAYERS,
            [
                {"Dense": {"units": 3, "kernel_regularizer": {"l2": 1}}},
                {"Dense": {"units": 3, "kernel_regularizer": {"L2": {"l2": 1.0}}}},
            ],
            {"Dense": {"kernel_regularizer": {"L2": {"l2": 1.0}}, "units": 3}},
        ),
        (LAYERS, [{"ZeroPadding2D": {"padding": 2}}, {"ZeroPadding2D": {"padding": [[2, 2], 2]}}],
         {"ZeroPadding2D": {"padding": [[2, 2], [2, 2]]}}),
        (LAYERS, [{"Dropout": 0.5}, {"Dropout": {"rate": 0.5}}], {"Dropout": {"rate": 0.5}}),
        (
            LAYERS,
            [{"Bidirectional": {"layer": {"LSTM": {"units": 4, "activation": "tanh"}}, "merge_mode": "concat"}}],
            {"Bidirectional": {"layer": {"LSTM": {"units": 4}}}},
        ),
        (OPTIMIZERS, ["adam", "Adam", {"Adam": {"learning_rate": 0.001}}, {"adam": None}], "Adam"),
        (OPTIMIZERS, [{"SGD": {"momentum": 1}}], {"SGD": {"momentum": 1.0}}),
        (LOSSES, ["mse", "MSE", "mean_squared_error", "MeanSquaredError"], "MeanSquaredError"),
        (METRICS, ["mse"], "mse"),
        (METRICS, [{"mse": None}], "mse"),
        (METRICS, [{"recall": {"top_k": 7}}, {"Recall": {"top_k": 7}}], {"Recall": {"top_k": 7}}),
        (METRICS, ["accuracy"], "accuracy"),
        (INITIALIZERS, ["he_normal", "HeNormal"], "HeNormal"),
        (INITIALIZERS, [{"random_normal": {"stddev": 0.1}}, {"RandomNormal": 0.1}], {"RandomNormal": {"stddev": 0.1}}),
        (REGULARIZERS, ["l2", {"L2": 0.01}], "L2"),
        (ACTIVATIONS, ["swish", "silu"], "silu"),
    ]
)  # fmt: skip
def test_values_of_one_meaning_have_one_canonical_form(
    table: Table, values: list[object], canonical: JsonValue
) -> None:
    named = [accepted(table, value) for value in values]
    assert [json.dumps(one.canonical()) for one in named] == [json.dumps(canonical)] * len(values)
    assert all(one == named[0] for one in named)
    assert accepted(table, canonical) == named[0], "the canonical form is accepted as well"
    assert pickle.loads(pickle.dumps(named[0])) == named[0]


@each_case(
    [
        (LAYERS, "Desne", [("E301", ("here",), "value")]),
        (LAYERS, {"Desne": {"units": 3}}, [("E301", ("here", "Desne"), "key")]),
        (LAYERS, 3, [("E315", ("here",), "value")]),
        (LAYERS, None, [("E315", ("here",), "value")]),
        (LAYERS, {}, [("E315", ("here",), "value")]),
        (LAYERS, {"Dense": None, "units": 3}, [("E315", ("here",), "value")]),
        (LAYERS, {"Dense": {"unit": 3}}, [("E302", ("here", "Dense", "unit"), "key")]),
        (LAYERS, {"Dense": [3]}, [("E315", ("here", "Dense"), "value")]),
        (LAYERS, {"Dense": 3}, [("E315", ("here", "Dense"), "value")]),
        (LAYERS, {"Dropout": {"rate": 0.5, "seed": 1}}, [("E302", ("here", "Dropout", "seed"), "key")]),
        (LAYERS, {"Dense": None}, [("E303", ("here", "Dense"), "key")]),
        (LAYERS, "Dense", [("E303", ("here",), "value")]),
        (LAYERS, {"Dense": {"units": 10**12}}, [("E502", ("here", "Dense", "units"), "value")]),
        (LAYERS, {"Dropout": {"rate": 1.5}}, [("E304", ("here", "Dropout", "rate"), "value")]),
        (LAYERS, {"Dropout": 1.5}, [("E304", ("here", "Dropout"), "value")]),
        (LAYERS, {"Dropout": {"rate": float("nan")}}, [("E304", ("here", "Dropout", "rate"), "value")]),
        (LAYERS, {"Dropout": {"rate": 10**400}}, [("E304", ("here", "Dropout", "rate"), "value")]),
        (LAYERS, {"Dense": {"units": 3, "activation": "rleu"}}, [("E305", ("here", "Dense", "activation"), "value")]),
        (
            LAYERS,
            {"Dense": {"units": 3, "activation": {"class_name": "function", "config": "relu"}}},
            [("E704", ("here", "Dense", "activation"), "value")],
        ),
        (
            LAYERS,
            {"Dense": {"units": 3, "activation": {"relu": {"max_value": 6}}}},
            [("E315", ("here", "Dense", "activation"), "value")],
        ),
        (
            LAYERS,
            {"Dense": {"units": 3, "kernel_regularizer": {"l2": {"l2": -1}}}},
            [("E304", ("here", "Dense", "kernel_regularizer", "l2", "l2"), "value")],
        ),
        (
            LAYERS,
            {"Dense": {"units": 3, "bias_initializer": "orthogonal"}},
            [("E304", ("here", "Dense", "bias_initializer"), "value")],
        ),
        (
            LAYERS,
            {"Dense": {"units": 3, "kernel_constraint": {"MaxNorm": {"axis": [0, 3]}}}},
            [("E304", ("here", "Dense", "kernel_constraint"), "value")],
        ),
        (
            LAYERS,
            {"Conv2D": {"filters": 3, "kernel_size": [3, "3"]}},
            [("E304", ("here", "Conv2D", "kernel_size", 1), "value")],
        ),
        (
            LAYERS,
            {"Conv2D": {"filters": 3, "kernel_size": [3, 3, 3]}},
            [("E304", ("here", "Conv2D", "kernel_size"), "value")],
        ),
        (
            LAYERS,
            {"Bidirectional": {"layer": {"LSTM": {"unit": 3}}}},
            [("E302", ("here", "Bidirectional", "layer", "LSTM", "unit"), "key")],
        ),
        (LAYERS, {"class_name": "Dense", "config": {"units": 3}}, [("E704", ("here",), "value")]),
        (LAYERS, {"module": "os", "class_name": "function"}, [("E704", ("here",), "value")]),
        (LAYERS, print, [("E704", ("here",), "value")]),
        (LAYERS, "Lambda", [("E702", ("here",), "value")]),
        (LAYERS, {"Lambda": {"function": "x"}}, [("E702", ("here", "Lambda"), "key")]),
        (LAYERS, {"TFSMLayer": {"filepath": "/tmp"}}, [("E702", ("here", "TFSMLayer"), "key")]),
        (LAYERS, {"StringLookup": {"vocabulary": "/etc/passwd"}}, [("E703", ("here", "StringLookup"), "key")]),
        (OPTIMIZERS, "Adm", [("E305", ("here",), "value")]),
        (OPTIMIZERS, "LossScaleOptimizer", [("E307", ("here",), "value")]),
        (
            OPTIMIZERS,
            {"Adam": {"learning_rate": {"CosineDecay": {"initial_learning_rate": 0.1}}}},
            [("E303", ("here", "Adam", "learning_rate", "CosineDecay"), "key")],
        ),
        (OPTIMIZERS, {"Adam": {"learning_rate": 0}}, [("E304", ("here", "Adam", "learning_rate"), "value")]),
        (OPTIMIZERS, {"Adam": {"learning_rate": "0.1"}}, [("E304", ("here", "Adam", "learning_rate"), "value")]),
        (CALLBACKS, {"CSVLogger": {"filename": "x"}}, [("E705", ("here", "CSVLogger"), "key")]),
        (CALLBACKS, {"RemoteMonitor": {"root": "http://x"}}, [("E705", ("here", "RemoteMonitor"), "key")]),
        (METRICS, {"F1Score": None}, [("E303", ("here", "F1Score"), "key")]),
    ]
)
def test_mistakes_are_reported_at_the_deepest_place(
    table: Table, value: object, expected: list[tuple[str, Path, str]]
) -> None:
    assert codes_and_places(refused(table, value)) == expected


@each_case([-1, 0, 2.5, 3.0, "3", True, None, [3], {"a": 1}, float("inf")])
def test_a_size_is_a_whole_number(units: object) -> None:
    (problem,) = refused(LAYERS, {"Dense": {"units": units}})
    assert problem.code == "E304"
    assert "whole number of at least 1" in problem.what
    assert problem.fix


def test_all_mistakes_are_reported_at_once() -> None:
    problems = Problems()
    model = [{"Dense": {"units": 0, "activaton": "relu"}}, "Flaten", {"Dropout": {"rate": 2}}, "ReLU"]
    assert parse_layers(model, ("model",), problems) is None
    assert [(problem.code, problem.path) for problem in problems] == [
        ("E304", ("model", 0, "Dense", "units")),
        ("E302", ("model", 0, "Dense", "activaton")),
        ("E301", ("model", 1)),
        ("E304", ("model", 2, "Dropout", "rate")),
    ]


@each_case(
    [
        (LAYERS, {"Desne": {}}, "did you mean 'Dense'?"),
        (LAYERS, {"Dense": {"unit": 3}}, "did you mean 'units'?"),
        (LAYERS, {"Dense": {"units": "3"}}, "write 3 without quotes"),
        (LAYERS, {"Dense": {"units": 3.0}}, "write 3"),
        (LAYERS, {"Dense": None, "units": 3}, "indent the arguments of 'Dense' below it"),
        (LAYERS, {"Flatten": {"x": 1}}, "remove it"),
        (LAYERS, "Dense", "{Dense: {units: ...}}"),
        (LOSSES, "binary_crossentrpy", "did you mean 'binary_crossentropy'?"),
    ]
)
def test_a_mistake_comes_with_its_fix(table: Table, value: object, phrase: str) -> None:
    (problem,) = refused(table, value)
    assert phrase in problem.fix


def test_a_hostile_name_is_shown_without_control_characters() -> None:
    (problem,) = refused(LAYERS, "\x1b[31m" + "x" * 500)
    assert "\x1b" not in problem.line()
    assert len(problem.what) < 150


@each_case(
    [
        (LAYERS, {"Conv2D": {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2}}, "dilation_rate"),
        (LAYERS, {"Conv1D": {"filters": 4, "kernel_size": 3, "groups": 3}}, "groups"),
        (LAYERS, {"DepthwiseConv2D": {"kernel_size": 3, "strides": [1, 2]}}, "strides"),
        (LAYERS, {"Conv1DTranspose": {"filters": 4, "kernel_size": 3, "output_padding": 1}}, "output_padding"),
        (LAYERS, {"Reshape": {"target_shape": [-1, -1]}}, "target_shape"),
        (LAYERS, {"Reshape": {"target_shape": [0, 2]}}, "target_shape"),
        (LAYERS, {"Permute": {"dims": [1, 1]}}, "dims"),
        (LAYERS, {"Bidirectional": {"layer": {"Dense": {"units": 3}}}}, "layer"),
        (LAYERS, {"EinsumDense": {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "z"}}, "bias_axes"),
        (LAYERS, {"EinsumDense": {"equation": "ab,bc->ad", "output_shape": 3}}, "equation"),
        (LAYERS, {"EinsumDense": {"equation": "ab,bc->ca", "output_shape": 3}}, "equation"),
        (LAYERS, {"EinsumDense": {"equation": "abb,bc->ac", "output_shape": 3}}, "equation"),
        (LAYERS, {"Bidirectional": {"layer": {"LSTM": {"units": 3, "go_backwards": True}}}}, "layer"),
        (LAYERS, {"EinsumDense": {"equation": "abc,cde->abde", "output_shape": [3, 2, 2],
                                  "kernel_initializer": "identity"}}, "kernel_initializer"),
        (LAYERS, {"GroupNormalization": {"groups": 0}}, "groups"),
        (LAYERS, {"Normalization": {"mean": [1, 2], "variance": 3}}, "variance"),
        (LAYERS, {"Resizing": {"height": 3, "width": 3, "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}},
         "pad_to_aspect_ratio"),
        (OPTIMIZERS, {"Adam": {"clipnorm": 1, "clipvalue": 1}}, "clipvalue"),
        (OPTIMIZERS, {"SGD": {"nesterov": True}}, "nesterov"),
        (METRICS, {"IoU": {"num_classes": 2, "target_class_ids": [2]}}, "target_class_ids"),
        (METRICS, {"AUC": {"num_labels": 3}}, "num_labels"),
        (CALLBACKS, {"LearningRateScheduler": {"boundaries": [5], "values": [0.1, 0.2, 0.3]}}, "values"),
        (CALLBACKS, {"LearningRateScheduler": {"boundaries": [5, 5], "values": [0.1, 0.2, 0.3]}}, "boundaries"),
        (INITIALIZERS, {"RandomUniform": {"minval": 1}}, "minval"),
    ]
)  # fmt: skip
def test_arguments_that_exclude_each_other_are_refused(table: Table, value: dict[str, object], argument: str) -> None:
    ((name, _),) = value.items()
    problems = refused(table, value)
    assert {(problem.code, problem.path) for problem in problems} == {("E304", ("here", name, argument))}
    assert all(problem.fix for problem in problems)


def wrapped(times: int) -> dict[str, Any]:
    layer: dict[str, Any] = {"Dense": {"units": 1}}
    for _ in range(times):
        layer = {"TimeDistributed": {"layer": layer}}
    return layer


def test_layers_are_wrapped_four_deep_and_no_deeper() -> None:
    accepted(LAYERS, wrapped(4))
    assert [problem.code for problem in refused(LAYERS, wrapped(5))] == ["E503"]
    assert [problem.code for problem in refused(LAYERS, wrapped(5000))] == ["E503"]


def test_lists_of_layers() -> None:
    problems = Problems()
    assert parse_layers([], ("model",), problems) is None
    assert parse_layers("Dense", ("model",), problems) is None
    assert parse_layers(["Flatten"] * 10_000, ("model",), problems) is None
    assert [(problem.code, problem.path) for problem in problems] == [
        ("E308", ("model",)),
        ("E205", ("model",)),
        ("E503", ("model",)),
    ]
    layers = parse_layers(["Flatten", {"Dense": {"units": 1}}], ("model",), problems)
    assert layers is not None
    assert [layer.name for layer in layers] == ["Flatten", "Dense"]


def test_two_metrics_of_one_column_are_refused() -> None:
    problems = Problems()
    metrics: list[object] = ["auc", {"AUC": {"curve": "PR"}}, "mse", "mean_squared_error", "mse"]
    assert parse_metrics(metrics, ("compile", "metrics"), problems) is None
    assert [(problem.code, problem.path) for problem in problems] == [
        ("E306", ("compile", "metrics", 1)),
        ("E306", ("compile", "metrics", 4)),
    ]


def test_history_name_of_aliases_and_classes() -> None:
    names = ["acc", "mse", {"LogCoshError": None}, {"AUC": {"curve": "PR"}}]
    assert [history_name(accepted(METRICS, name)) for name in names] == ["acc", "mse", "logcosh", "auc"]


def test_complete_arguments_have_the_defaults() -> None:
    layer = accepted(LAYERS, {"Dense": {"units": 3, "activation": "relu"}})
    complete = complete_arguments(layer)
    assert set(complete) == set(LAYERS.entries["Dense"].arguments)
    assert complete["use_bias"] is True
    assert complete["units"] == 3


# --- nothing in a spec reaches code, files or hosts -------------------------------------------------------------------

HOSTILE: list[object] = [
    {"class_name": "function", "config": "system", "module": "os"},
    {"class_name": "Lambda", "config": {}},
    {"relu": {"class_name": "x"}},
    "/etc/passwd",
    "../../secret",
    "http://169.254.169.254/latest",
    "gs://bucket/vocabulary",
    "os.system",
    print,
    object(),
    b"bytes",
]

# Free strings: a pattern limits them to letters, and Keras reads none of them as a path or the name of code.
PATTERNS = {
    ("EinsumDense", "equation"),
    ("EinsumDense", "bias_axes"),
    ("EarlyStopping", "monitor"),
    ("ReduceLROnPlateau", "monitor"),
}


EVERY_ARGUMENT = [
    (table, entry.name, argument)
    for table in TABLES.values()
    for entry in table.entries.values()
    for argument in entry.arguments
]


def test_every_argument_of_the_tables_is_tried() -> None:
    assert len(EVERY_ARGUMENT) > 700


@each_case(EVERY_ARGUMENT)
def test_no_argument_takes_code_paths_or_hosts(table: Table, entry: str, argument: str) -> None:
    for value in HOSTILE:
        problems = Problems()
        assert table.parse({entry: {argument: value}}, (), problems) is None, value
        at_argument = [problem for problem in problems if problem.path[:2] == (entry, argument)]
        assert at_argument, value
        assert all(problem.code in {"E302", "E304", "E305", "E307", "E301", "E315", "E704"} for problem in at_argument)


@each_case(TABLES.values())
def test_free_strings_are_only_where_a_pattern_limits_them(table: Table) -> None:
    for entry in table.entries.values():
        for name, argument in entry.arguments.items():
            kind = getattr(argument.kind, "kind", argument.kind)
            if isinstance(kind, Pattern):
                assert (entry.name, name) in PATTERNS
            elif isinstance(argument.default, str):
                assert isinstance(kind, OneOf)


@each_case(itertools.product(TABLES.values(), HOSTILE))
def test_no_table_takes_code_paths_or_hosts(table: Table, value: object) -> None:
    assert {problem.code for problem in refused(table, value)} <= {"E301", "E305", "E307", "E315", "E704"}


def test_left_out_names_give_their_reason() -> None:
    for table in TABLES.values():
        for name, reason in table.left_out.items():
            (problem,) = refused(table, name)
            assert problem.code == reason.code
            assert reason.reason in problem.what


# --- the tables as JSON Schema ----------------------------------------------------------------------------------------

GOOD: list[tuple[Table, object]] = [
    (LAYERS, "Flatten"),
    (LAYERS, {"Flatten": None}),
    (LAYERS, {"Dense": {"units": 3, "activation": "relu", "kernel_regularizer": {"l2": 0.1}}}),
    (LAYERS, {"Conv2D": {"filters": 3, "kernel_size": [3, 3]}}),
    (LAYERS, {"Dropout": 0.5}),
    (LAYERS, {"ZeroPadding2D": {"padding": [[1, 0], 2]}}),
    (LAYERS, wrapped(3)),
    (OPTIMIZERS, {"adam": {"learning_rate": {"ExponentialDecay": {
        "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}}}}),
    (METRICS, {"SparseTopKCategoricalAccuracy": {"k": 3}}),
    (CALLBACKS, {"EarlyStopping": {"monitor": "val_loss", "patience": 3}}),
]  # fmt: skip
BAD: list[tuple[Table, object]] = [
    (LAYERS, "Desne"),
    (LAYERS, "Dense"),
    (LAYERS, {"Dense": {"unit": 3}}),
    (LAYERS, {"Dense": {"units": 2.5}}),
    (LAYERS, {"Dense": {"units": 0}}),
    (LAYERS, {"Dense": {"units": 10**12}}),
    (LAYERS, {"Dropout": {"rate": 1.5}}),
    (LAYERS, {"Dense": {"units": 3, "activation": {"relu": {}}}}),
    (LAYERS, {"EinsumDense": {"equation": "/etc/passwd", "output_shape": 3}}),
    (CALLBACKS, {"EarlyStopping": {"monitor": "http://x"}}),
]


@cache
def validator(table: str) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{table}", "$defs": json_schema_definitions()})


def schema_accepts(table: Table, value: object) -> bool:
    return bool(validator(table.name).is_valid(value))


@pytest.mark.slow
def test_the_json_schema_is_valid() -> None:
    layers = validator("layer")
    layers.check_schema(layers.schema)


@each_case(GOOD)
def test_the_json_schema_accepts_what_the_table_does(table: Table, value: object) -> None:
    accepted(table, value)
    assert schema_accepts(table, value)


@each_case(BAD)
def test_the_json_schema_refuses_what_the_table_does(table: Table, value: object) -> None:
    refused(table, value)
    assert not schema_accepts(table, value)


def test_every_default_is_a_value_its_kind_takes() -> None:
    for table in TABLES.values():
        for entry in table.entries.values():
            for name, argument in entry.arguments.items():
                default = argument.default
                if isinstance(default, Required):
                    continue
                written = default.canonical() if isinstance(default, Named) else default
                assert argument.kind.check(written, (name,), Problems()) == default


def test_the_tables_import_nothing_heavy() -> None:
    code = """
import sys, seqjobs.jobspec.model_check, seqjobs.tables
heavy = {"tensorflow", "keras", "numpy", "ray", "pydantic", "yaml"} & {name.partition(".")[0] for name in sys.modules}
sys.exit(repr(sorted(heavy)) if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
