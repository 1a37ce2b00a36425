"""Values that a model cannot take, found before it is trained."""

from __future__ import annotations

from typing import Any

import pytest

from seqjobs.errors import DataError
from seqjobs.planning.plan import Plan
from seqjobs.training.outcome import PackRunner
from tests.conftest import MakePlan
from tests.training.trained import assert_close, dataset_of, train

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


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("compilation", ["xla", "graph"])
def test_more_outputs_than_classes_train_as_in_keras(
    runner: PackRunner, make_points_plan: MakePlan, loss: str, compilation: str
) -> None:
    overrides = ("data.target=kind", f"compile.loss={loss}", "model=[{Dense: {units: 6, activation: softmax}}]")
    plans = [make_points_plan(*overrides, f"fit.compile={how}") for how in (compilation, "stock")]
    dataset = dataset_of(plans[0])
    assert dataset.num_classes == 4
    ours, theirs = (train(runner, plan.packs[0], dataset) for plan in plans)
    assert_close(ours, theirs)
