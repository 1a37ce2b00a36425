"""What a model's outputs mean, by its loss and the classes of its target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqjobs.errors.problems import Problems
from seqjobs.results.prediction_columns import PredictionColumns
from seqjobs.tables import LOSSES

WORDS = ("no", "yes")
CASES: list[tuple[Any, tuple[str, ...] | None, list[Any], dict[str, list[Any]]]] = [
    ("mse", None, [[1.5], [2.0]], {"prediction": [1.5, 2.0]}),
    ("mse", None, [[1.5, 2.0]], {"prediction_0": [1.5], "prediction_1": [2.0]}),
    ("binary_crossentropy", None, [[0.5], [0.75]], {"prediction": [0, 1], "probability": [0.5, 0.75]}),
    ("binary_crossentropy", WORDS, [[0.25], [0.75]], {"prediction": ["no", "yes"], "probability_yes": [0.25, 0.75]}),
    ("binary_crossentropy", ("yes",), [[0.25]], {"prediction": ["yes"], "probability": [0.25]}),
    (
        "binary_crossentropy",
        None,
        [[0.25, 0.75]],
        {"prediction_0": [0], "prediction_1": [1], "probability_0": [0.25], "probability_1": [0.75]},
    ),
    (
        {"BinaryCrossentropy": {"from_logits": True}},
        None,
        [[0.0], [1e4], [-1e4]],
        {
            "prediction": [0, 1, 0],
            "probability": [0.5, 1.0, 0.0],
        },
    ),
    ("hinge", WORDS, [[-0.1], [0.1]], {"prediction": ["no", "yes"]}),
    (
        "sparse_categorical_crossentropy",
        WORDS,
        [[0.25, 0.75], [0.5, 0.5]],
        {"prediction": ["yes", "no"], "probability_no": [0.25, 0.5], "probability_yes": [0.75, 0.5]},
    ),
    (
        {"SparseCategoricalCrossentropy": {"from_logits": True}},
        None,
        [[1000.0, 1000.0, -1000.0]],
        {"prediction": [0], "probability_0": [0.5], "probability_1": [0.5], "probability_2": [0.0]},
    ),
    ("categorical_hinge", WORDS, [[-3.0, 2.0]], {"prediction": ["yes"]}),
    ("cosine_similarity", None, [[0.5, -1.0]], {"prediction_0": [0.5], "prediction_1": [-1.0]}),
    ("sparse_categorical_crossentropy", None, [[[0.25, 0.75]]], {"prediction_0": [0.25], "prediction_1": [0.75]}),
]


@pytest.mark.parametrize(("loss", "classes", "outputs", "expected"), CASES)
def test_columns(
    loss: Any, classes: tuple[str, ...] | None, outputs: list[Any], expected: dict[str, list[Any]]
) -> None:
    problems = Problems()
    named = LOSSES.parse(loss, (), problems)
    assert named is not None
    assert not len(problems)
    found = PredictionColumns.of(named, classes).columns(np.array(outputs, np.float32))
    assert {name: column.to_pylist() for name, column in found.items()} == expected
    assert list(found) == list(expected)
