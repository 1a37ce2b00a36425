"""How a model whose layers do not fit each other is told so."""

from __future__ import annotations

import pytest

from seqjobs.errors.problems import Problem, Problems
from seqjobs.jobspec.shapes import MAX_PARAMETERS, Shape, ShapeProblem, check_model, count_parameters, output_shape
from seqjobs.tables import LAYERS, Named, parse_layers


def layers(*written: object) -> tuple[Named, ...]:
    problems = Problems()
    parsed = parse_layers(list(written), ("model",), problems)
    assert parsed is not None, [problem.line() for problem in problems]
    return parsed


def checked(shape: Shape, *written: object) -> tuple[Shape | None, list[Problem]]:
    problems = Problems()
    return check_model(layers(*written), shape, ("model",), problems), list(problems)


CNN: tuple[object, ...] = (
    {"Conv2D": {"filters": 16, "kernel_size": 3, "activation": "relu"}},
    {"MaxPooling2D": {"pool_size": 2}},
    "Flatten",
    {"Dense": {"units": 10, "activation": "softmax"}},
)


def test_a_model_that_fits_has_its_output_shape() -> None:
    assert checked((28, 28, 1), *CNN) == ((10,), [])
    # By hand: 3*3*1*16 + 16, and 13*13*16 inputs of 10 units with their biases.
    assert count_parameters(layers(*CNN), (28, 28, 1)) == 160 + 27_040 + 10


@pytest.mark.parametrize(
    ("shape", "written", "index", "what", "fix"),
    [
        (
            (28, 28, 1),
            ("Flatten", {"Conv2D": {"filters": 3, "kernel_size": 3}}),
            1,
            "layer 1 'Conv2D' needs (height, width, channels), but layer 0 'Flatten' gives (784,)",
            "Reshape",
        ),
        (
            (784,),
            ({"Conv2D": {"filters": 3, "kernel_size": 3}},),
            0,
            "layer 0 'Conv2D' needs (height, width, channels), but the input has (784,)",
            "Reshape: {target_shape: [height, width, channels]}",
        ),
        (
            (4, 4, 1),
            (*CNN[:2], {"Conv2D": {"filters": 3, "kernel_size": 3}}),
            2,
            "layer 2 'Conv2D' needs at least 3 in height for its window, but layer 1 'MaxPooling2D' gives (1, 1, 16)",
            "padding: same",
        ),
        (
            (20, 6),
            ({"LSTM": {"units": 8}}, {"LSTM": {"units": 8}}),
            1,
            "layer 1 'LSTM' needs (steps, features), but layer 0 'LSTM' gives (8,)",
            "add return_sequences: true to layer 0 'LSTM'",
        ),
        (
            (20, 6),
            ({"Bidirectional": {"layer": {"GRU": {"units": 8}}}}, {"TimeDistributed": {"layer": "ReLU"}}),
            1,
            "layer 1 'TimeDistributed' needs (steps, ...)",
            "add return_sequences: true to layer 0 'Bidirectional'",
        ),
        (
            (None, 6),
            ("Flatten", {"Dense": {"units": 2}}),
            1,
            "layer 1 'Dense' needs a fixed number of features, but layer 0 'Flatten' gives (any,)",
            "fix the shape",
        ),
        ((5, 6), ({"Cropping1D": {"cropping": [3, 2]}},), 0, "drops that many, but the input has (5, 6)", "drop less"),
        ((5, 6), ({"Reshape": {"target_shape": [7, 5]}},), 0, "needs 35 values for (7, 5)", "30 values"),
        ((8, 6), ({"GroupNormalization": {"groups": 4}},), 0, "that its 4 groups divide", "groups that divide 6"),
        ((8, 6), ({"Softmax": {"axis": 3}},), 0, "needs an axis from 1 to 2", "change its axis"),
        ((8, 6), ({"Rescaling": {"scale": [1, 2, 3]}},), 0, "needs 3 on the last axis", "one for each channel"),
        ((), ({"Dense": {"units": 3}},), 0, "needs at least one axis, but the input has ()", "Reshape"),
    ],
)  # fmt: skip
def test_the_first_layer_that_does_not_fit_is_told(
    shape: Shape, written: tuple[object, ...], index: int, what: str, fix: str
) -> None:
    result, problems = checked(shape, *written)
    assert result is None
    (problem,) = problems
    assert (problem.code, problem.path) == ("E309", ("model", index))
    assert what in problem.what
    assert fix in problem.fix


def test_a_model_that_no_machine_holds_is_refused_without_building_it() -> None:
    wide = {"Dense": {"units": 10**7}}
    result, problems = checked((10,), wide, wide)
    assert result is None
    assert [(problem.code, problem.path) for problem in problems] == [("E502", ("model", 1))]
    assert count_parameters(layers(wide, wide), (10,)) > MAX_PARAMETERS
    _, problems = checked((10**6,), {"RepeatVector": {"n": 10**6}})
    assert [problem.code for problem in problems] == ["E502"]


def test_output_shape_says_why_by_an_exception() -> None:
    layer = LAYERS.parse({"LSTM": {"units": 3}}, (), Problems())
    assert layer is not None
    assert output_shape(layer, (None, 4)) == (3,)
    with pytest.raises(ShapeProblem, match=r"needs \(steps, features\)") as caught:
        output_shape(layer, (4,))
    assert caught.value.fix
