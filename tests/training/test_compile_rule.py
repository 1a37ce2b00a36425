"""Which way of carrying out its epochs a trial takes, and who may choose."""

from __future__ import annotations

import pytest

from seqjobs.planning.compile_rule import (
    MIN_XLA_STEPS,
    MIN_XLA_STEPS_CONVOLUTION,
    MIN_XLA_STEPS_RECURRENT,
    Compilation,
    compilation_of,
    compiler_for,
)
from seqjobs.planning.plan import Plan
from tests.conftest import MakePlan
from tests.training.packs.members import packs_of
from tests.training.trained import dataset_of, train_fresh

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

MANY = MIN_XLA_STEPS
TAIL = "Flatten, {Dense: {units: 1, activation: sigmoid}}"
SQUARE = "{Reshape: {target_shape: [3, 2, 1]}}"
SEQUENCE = "{Reshape: {target_shape: [3, 2]}}"
ORTHOGONAL = "{OrthogonalRegularizer: {factor: 0.1}}"


def choice(plan: Plan, *, steps: int = MANY, num_gpus: int = 0, onednn: bool = True, smallest: int = 9) -> Compilation:
    spec = plan.trials[0].spec
    return compilation_of(
        spec,
        compiler_for(spec, (6,), steps=steps),
        num_gpus=num_gpus,
        replicas=max(num_gpus, 1),
        onednn=onednn,
        smallest_batch=smallest,
    )


def test_xla_has_to_repay_the_time_it_compiles(make_points_plan: MakePlan) -> None:
    plan = make_points_plan()
    assert choice(plan, steps=MANY - 1) is Compilation.GRAPH
    assert choice(plan, steps=MANY) is Compilation.XLA


def test_recurrent_layers_repay_it_sooner(make_points_plan: MakePlan) -> None:
    plan = make_points_plan(f"model=[{SEQUENCE}, {{Bidirectional: {{layer: {{LSTM: {{units: 2}}}}}}}}, {TAIL}]")
    assert choice(plan, steps=MIN_XLA_STEPS_RECURRENT - 1) is Compilation.GRAPH
    assert choice(plan, steps=MIN_XLA_STEPS_RECURRENT) is Compilation.XLA


def test_convolutions_repay_it_sooner_where_the_graph_has_no_onednn(make_points_plan: MakePlan) -> None:
    plan = make_points_plan(f"model=[{SQUARE}, {{Conv2D: {{filters: 2, kernel_size: 2}}}}, {TAIL}]")
    assert choice(plan, steps=MIN_XLA_STEPS_CONVOLUTION, onednn=False) is Compilation.XLA
    assert choice(plan, steps=MIN_XLA_STEPS_CONVOLUTION - 1, onednn=False) is Compilation.GRAPH
    assert choice(plan, steps=MIN_XLA_STEPS - 1) is Compilation.GRAPH


def test_the_trials_of_a_program_repay_it_together(make_points_plan: MakePlan) -> None:
    # 203 rows in batches of 1 are 203 steps an epoch.
    repeats = -(-MIN_XLA_STEPS // 203)
    for number, compiled in ((repeats - 1, "graph"), (repeats, "xla")):
        plan = make_points_plan("fit.batch_size=1", "fit.epochs=1", f"search.repeats={number}")
        dataset = dataset_of(plan)
        outcome, _ = train_fresh(packs_of(plan, dataset)[0], dataset)
        assert outcome.compiled == compiled


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("Flatten", Compilation.XLA),
        ("{Dropout: {rate: 0.5}}", Compilation.XLA),
        ("{GaussianNoise: {stddev: 0.5}}", Compilation.XLA),
        (f"{SQUARE}, {{Conv2D: {{filters: 2, kernel_size: 2}}}}, {{MaxPooling2D: {{padding: same}}}}", Compilation.XLA),
        (f"{SEQUENCE}, {{LSTM: {{units: 2}}}}", Compilation.XLA),
        (f"{SEQUENCE}, {{LSTM: {{units: 2, recurrent_dropout: 0.1}}}}", Compilation.XLA),
        (f"{SEQUENCE}, {{Bidirectional: {{layer: {{GRU: {{units: 2, unroll: true}}}}}}}}", Compilation.GRAPH),
        (f"{SQUARE}, {{Conv2D: {{filters: 20000, kernel_size: 2}}}}", Compilation.GRAPH),
        (f"{SQUARE}, {{DepthwiseConv2D: {{kernel_size: 2}}}}", Compilation.GRAPH),
        (f"{SQUARE}, {{RandomZoom: {{height_factor: 0.1}}}}", Compilation.GRAPH),
        (
            f"{SQUARE}, {{TimeDistributed: {{layer: {{SeparableConv1D: {{filters: 2, kernel_size: 1}}}}}}}}",
            Compilation.GRAPH,
        ),
        ("{Embedding: {input_dim: 10, output_dim: 2}}", Compilation.XLA),
        ("Flatten, {Embedding: {input_dim: 10, output_dim: 2}}", Compilation.GRAPH),
    ],
)
def test_layers_decide(make_points_plan: MakePlan, layers: str, expected: Compilation) -> None:
    assert choice(make_points_plan(f"model=[{layers}, {TAIL}]")) is expected


def test_devices_decide(make_points_plan: MakePlan) -> None:
    plan = make_points_plan()
    assert [choice(plan, num_gpus=number) for number in (0, 1, 2)] == ["xla", "graph", "mirrored"]
    assert choice(plan, num_gpus=2, smallest=1) == "stock"


def test_a_penalty_that_is_no_sum_over_rows_is_left_to_keras_on_several(make_points_plan: MakePlan) -> None:
    layer = f"{SEQUENCE}, {{TimeDistributed: {{layer: {{Dense: {{units: 2, activity_regularizer: {ORTHOGONAL}}}}}}}}}"
    assert choice(make_points_plan(f"model=[{layer}, {TAIL}]"), num_gpus=2) is Compilation.STOCK


def test_a_loss_of_some_rows_is_left_to_keras_on_several(make_points_plan: MakePlan) -> None:
    model = "model=[{Dense: {units: 3, activation: softmax}}]"
    for ignored, expected in (("null", Compilation.MIRRORED), ("2", Compilation.STOCK)):
        loss = f"compile.loss={{SparseCategoricalCrossentropy: {{ignore_class: {ignored}}}}}"
        assert choice(make_points_plan(model, loss), num_gpus=2) is expected


@pytest.mark.parametrize("compiled", ["xla", "graph", "eager", "stock"])
def test_the_spec_has_the_last_word(make_points_plan: MakePlan, compiled: str) -> None:
    plan = make_points_plan(f"fit.compile={compiled}")
    assert choice(plan, steps=1) == compiled


def test_the_choice_is_told_with_the_result(make_points_plan: MakePlan) -> None:
    plan = make_points_plan("fit.epochs=1")
    outcome, _ = train_fresh(plan.packs[0], dataset_of(plan))
    assert outcome.compiled == "graph"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model=[{Embedding: {input_dim: 2, output_dim: 2}}, Flatten, {Dense: {units: 1, activation: sigmoid}}]"],
            "the Embedding has rows for 0 to 1",
        ),
        (
            [
                "data.target=kind",
                "compile={optimizer: adam, loss: sparse_categorical_crossentropy}",
                "model.1.Dense={units: 2, activation: softmax}",
            ],
            "the target holds class 3, the model has outputs for 0 to 1",
        ),
    ],
    ids=["embedding", "classes"],
)
@pytest.mark.parametrize("compiled", ["xla", "graph"])
def test_values_that_xla_would_take_in_silence_fail_the_trial(
    make_points_plan: MakePlan, compiled: str, overrides: list[str], message: str
) -> None:
    plan = make_points_plan(*overrides, f"fit.compile={compiled}")
    outcome, weights = train_fresh(plan.packs[0], dataset_of(plan))
    assert outcome.failure is not None
    assert outcome.failure.cause == "data"
    assert message in outcome.failure.message
    assert weights == ()
