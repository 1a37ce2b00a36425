"""Values that a model cannot take, found before it is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest

from seqjobs.errors import DataError
from seqjobs.planning.plan import Plan
from seqjobs.training.value_check import check_values
from tests.training.trained import dataset_of


def error_of(plan: Plan, *layers: Any) -> DataError:
    dataset = dataset_of(plan)
    model = keras.Sequential([keras.Input(dataset.schema.feature_shape), *layers])
    (trial,) = plan.trials
    with pytest.raises(DataError) as caught:
        check_values(trial.spec, dataset, model)
    return caught.value


def test_a_class_without_an_output(make_points_plan: Callable[..., Plan]) -> None:
    classes = ("data.target=kind", "compile.loss=sparse_categorical_crossentropy")
    plan = make_points_plan(*classes, "model=[{Dense: {units: 2, activation: softmax}}]")
    error = error_of(plan, keras.layers.Dense(2))
    assert error.code == "E418"
    assert "the target holds class 3, the model has outputs for 0 to 1" in error.what


def test_an_index_outside_the_table_of_an_embedding(make_points_plan: Callable[..., Plan]) -> None:
    plan = make_points_plan("data.features=[kind]")
    error = error_of(plan, keras.layers.Embedding(2, 3), keras.layers.Flatten(), keras.layers.Dense(1))
    assert error.code == "E419"
    assert "the features hold 3, the Embedding has rows for 0 to 1" in error.what
