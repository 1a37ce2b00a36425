"""Values that a model cannot take, found before it is trained."""

from __future__ import annotations

from typing import Any

import pytest

from seqjobs.errors import DataError
from seqjobs.planning.plan import Plan
from tests.conftest import MakePlan
from tests.training.trained import dataset_of

pytestmark = pytest.mark.usefixtures("runner")


def error_of(plan: Plan, *layers: tuple[Any, ...]) -> DataError:
    import keras  # noqa: PLC0415 (imports TensorFlow)

    from seqjobs.training.value_check import check_values  # noqa: PLC0415 (imports TensorFlow)

    dataset = dataset_of(plan)
    made = [getattr(keras.layers, name)(*arguments) for name, *arguments in layers]
    model = keras.Sequential([keras.Input(dataset.schema.feature_shape), *made])
    (trial,) = plan.trials
    with pytest.raises(DataError) as caught:
        check_values(trial.spec, dataset, model)
    return caught.value


def test_a_class_without_an_output(make_points_plan: MakePlan) -> None:
    classes = ("data.target=kind", "compile.loss=sparse_categorical_crossentropy")
    plan = make_points_plan(*classes, "model=[{Dense: {units: 2, activation: softmax}}]")
    error = error_of(plan, ("Dense", 2))
    assert error.code == "E418"
    assert "the target holds class 3, the model has outputs for 0 to 1" in error.what


def test_an_index_outside_the_table_of_an_embedding(make_points_plan: MakePlan) -> None:
    plan = make_points_plan("data.features=[kind]")
    error = error_of(plan, ("Embedding", 2, 3), ("Flatten",), ("Dense", 1))
    assert error.code == "E419"
    assert "the features hold 3, the Embedding has rows for 0 to 1" in error.what
