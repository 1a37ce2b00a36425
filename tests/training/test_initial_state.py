"""A program that is reset to a seed holds what a fresh model under that seed holds: every layer, every optimizer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.tables import INITIALIZERS, OPTIMIZERS, Named
from seqjobs.training.initial_state import InitialState
from seqjobs.training.lowerings import LOWERED
from seqjobs.training.model import build_model
from tests.conftest import MakePlan
from tests.jobspec.test_shapes_keras import CASES, name_of, parsed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

# One case a layer, each of a shape that is known: what a layer draws does not hang on its sizes.
Sizes = tuple[int, ...]
LAYER_CASES: dict[str | None, tuple[object, Sizes]] = {
    name_of(written): (written, tuple(size for size in shape if size is not None))
    for written, shape in reversed(CASES)
    if None not in shape
}
FIRST, SECOND = 3, 8


def fresh(spec: TrialSpec, shape: Sizes, seed: int) -> keras.Sequential:
    model = build_model(spec, shape, seed)
    model.optimizer.build(model.trainable_variables)
    if isinstance(model.optimizer, keras.optimizers.ScheduleFreeAdamW):
        # Built by hand its momentums begin as the weights; in `fit`, which builds it while a graph is traced, as zeros.
        for momentum in model.optimizer._momentums:
            momentum.assign(keras.ops.zeros_like(momentum))
    return model


def reused(spec: TrialSpec, shape: Sizes, *, lowered: bool = False) -> keras.Sequential:
    """Built under one seed, disturbed, and reset to another."""
    initial = InitialState()
    with initial.recording():
        model = build_model(spec, shape, FIRST, LOWERED if lowered else {})
        model.optimizer.build(model.trainable_variables)
    initial.complete(model, FIRST)
    for variable in [*model.variables, *model.optimizer.variables]:
        variable.assign(variable + keras.ops.ones_like(variable))
    initial.restore(SECOND)
    return model


def state(model: keras.Sequential) -> list[Any]:
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]


def assert_reset(spec: TrialSpec, shape: Sizes, *, lowered: bool = False) -> None:
    ours, theirs = state(reused(spec, shape, lowered=lowered)), state(fresh(spec, shape, SECOND))
    assert len(ours) == len(theirs)
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine.dtype == expected.dtype
        np.testing.assert_array_equal(mine, expected)


@pytest.fixture
def spec(make_points_plan: MakePlan) -> TrialSpec:
    return make_points_plan().trials[0].spec


def changed(spec: TrialSpec, **sections: Any) -> TrialSpec:
    return spec.model_copy(update=sections)


def layer(name: str, **arguments: Any) -> Named:
    return parsed({name: arguments})


@pytest.mark.parametrize(("written", "shape"), LAYER_CASES.values(), ids=LAYER_CASES)
def test_every_layer(spec: TrialSpec, written: object, shape: Sizes) -> None:
    # Behind it a layer whose draws come later, before it one whose come earlier.
    model = (layer("Dropout", rate=0.5), parsed(written), layer("Flatten"), layer("Dense", units=2))
    assert_reset(changed(spec, model=model), shape, lowered=True)


@pytest.mark.parametrize("name", sorted(INITIALIZERS.entries))
def test_every_initializer(spec: TrialSpec, name: str) -> None:
    arguments = {"Constant": {"value": 0.25}}.get(name, {})
    dense = layer("Dense", units=6, kernel_initializer={name: arguments})
    assert_reset(changed(spec, model=(dense, dense)), (6,))


@pytest.mark.parametrize("name", sorted(OPTIMIZERS.entries))
@pytest.mark.parametrize("ema", [False, True], ids=["plain", "ema"])
def test_every_optimizer(spec: TrialSpec, name: str, ema: bool) -> None:
    problems = Problems()
    optimizer = OPTIMIZERS.parse({name: {"use_ema": True} if ema else {}}, ("optimizer",), problems)
    assert optimizer is not None, [problem.what for problem in problems]
    model = (layer("Dense", units=4), layer("Dense", units=2))
    assert_reset(changed(spec, model=model, compile=spec.compile.model_copy(update={"optimizer": optimizer})), (6,))


def test_one_initializer_in_two_variables_draws_the_same_for_both(spec: TrialSpec) -> None:
    recurrent = layer("LSTM", units=3, kernel_initializer="glorot_normal", recurrent_initializer="glorot_normal")
    assert_reset(changed(spec, model=(recurrent, layer("Dense", units=2))), (4, 3))


def test_many_programs_are_no_retracing_to_tensorflow(spec: TrialSpec, caplog: pytest.LogCaptureFixture) -> None:
    """TensorFlow warns from the fifth function of the same code on, if it counts their calls."""
    logger = tf.get_logger()
    logger.addHandler(caplog.handler)
    try:
        for units in range(1, 9):
            reused(changed(spec, model=(layer("Dense", units=units),)), (6,))
    finally:
        logger.removeHandler(caplog.handler)
    assert not [record.getMessage() for record in caplog.records if "retracing" in record.getMessage()]
