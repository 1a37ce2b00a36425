"""Every layer, optimizer, loss and metric that the rule lets into packs has a form there, with the same numbers."""

from __future__ import annotations

import pytest

from seqjobs.planning import pack_rule
from seqjobs.planning.plan import Plan
from seqjobs.tables import LAYERS, LOSSES, METRICS, OPTIMIZERS, Named
from seqjobs.training.trial_runner import TrialRunner
from tests.conftest import MakePlan
from tests.training.packs.members import only_pack, train_alone, train_pack
from tests.training.packs.test_packs_exact import CASES
from tests.training.trained import assert_close, dataset_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

RATES = "{log_uniform: [1e-3, 3e-2]}"
# All 203 training rows are a batch: a remainder, which the grid of exactness has, would be a second form to compile.
TWO = ("fit.pack=2", "search.trials=2", "fit.batch_size=203", "fit.epochs=4")

MODELS = {
    "flat": (
        "[{Rescaling: {scale: 0.5}}, {Normalization: {mean: 0.1, variance: 2.0}},"
        " {Dense: {units: 12, use_bias: false}}, BatchNormalization, {Activation: {activation: gelu}},"
        " {EinsumDense: {equation: 'ab,bc->ac', output_shape: 12}}, {GroupNormalization: {groups: 3}}, ReLU,"
        " {Dense: {units: 8}}, LayerNormalization, LeakyReLU, {Dropout: {rate: 0.2}}, {Dense: {units: 8}},"
        " RMSNormalization, ELU, {GaussianDropout: {rate: 0.1}}, PReLU, {Dense: {units: 8}},"
        " UnitNormalization, {AlphaDropout: {rate: 0.1}}, {GaussianNoise: {stddev: 0.1}}, Softmax,"
        " {ActivityRegularization: {l1: 0.01}}, {Dense: {units: 1}}]"
    ),
    "sequences": (
        "[{Dense: {units: 8}}, {RepeatVector: {n: 6}},"
        " {TimeDistributed: {layer: {Dense: {units: 4, activation: tanh}}}},"
        " {UpSampling1D: {size: 2}}, {ZeroPadding1D: {padding: 1}}, {Cropping1D: {cropping: 1}},"
        " {SpatialDropout1D: {rate: 0.2}}, {MaxPooling1D: {pool_size: 2}},"
        " {AveragePooling1D: {pool_size: 2}}, {Permute: {dims: [2, 1]}}, GlobalAveragePooling1D, {Dense: {units: 8}},"
        " {Reshape: {target_shape: [4, 2]}}, {SimpleRNN: {units: 4, return_sequences: true}}, GlobalMaxPooling1D,"
        " {Dense: {units: 1}}]"
    ),
    "images": (
        "[{Dense: {units: 32}}, {Reshape: {target_shape: [4, 4, 2]}}, {UpSampling2D: {size: 2}},"
        " {ZeroPadding2D: {padding: 1}}, {Cropping2D: {cropping: 1}}, {SpatialDropout2D: {rate: 0.2}},"
        " {MaxPooling2D: {pool_size: 2}}, {AveragePooling2D: {pool_size: 2}}, Flatten, {Dense: {units: 16}},"
        " {Reshape: {target_shape: [2, 2, 4]}}, GlobalMaxPooling2D, {Reshape: {target_shape: [1, 1, 4]}},"
        " GlobalAveragePooling2D, {Dense: {units: 1}}]"
    ),
    "volumes": (
        "[{Dense: {units: 16}}, {Reshape: {target_shape: [2, 2, 2, 2]}}, {UpSampling3D: {size: 2}},"
        " {ZeroPadding3D: {padding: 1}}, {Cropping3D: {cropping: 1}}, {SpatialDropout3D: {rate: 0.2}},"
        " {MaxPooling3D: {pool_size: 2}}, {AveragePooling3D: {pool_size: 2}}, Flatten, {Dense: {units: 16}},"
        " {Reshape: {target_shape: [2, 2, 2, 2]}}, GlobalMaxPooling3D, {Reshape: {target_shape: [1, 1, 1, 2]}},"
        " GlobalAveragePooling3D, {Dense: {units: 1}}]"
    ),
    "tables": (
        "[{Embedding: {input_dim: 9, output_dim: 3}}, Flatten, {Dense: {units: 4, activation: relu}},"
        " {Dense: {units: 1}}]"
    ),
}


def assert_same_alone(plan: Plan, compiled: str = "graph") -> None:
    """The last member of the pack, against its trial alone in the graph, whose losses are those of stock `fit`."""
    dataset, runner = dataset_of(plan), TrialRunner(("CPU",))
    pack = only_pack(plan, dataset)
    _, members = train_pack(runner, pack, dataset)
    assert_close(members[-1], train_alone(runner, pack.trials[-1], dataset, compiled))


def names_in(layers: tuple[Named, ...]) -> set[str]:
    return {layer.name for layer in pack_rule._layers(layers)}


@pytest.mark.parametrize("name", MODELS)
def test_layers(make_points_plan: MakePlan, name: str) -> None:
    assert_same_alone(
        make_points_plan(
            f"model={MODELS[name]}",
            f"compile={{optimizer: {{Adam: {{learning_rate: {RATES}}}}}, loss: mse}}",
            "data.target=score",
            *(["data.features={kind: raw}"] if name == "tables" else []),
            *TWO,
        ),
        "xla",  # whose masks are those of packs
    )


def test_all_layers_are_tried(make_points_plan: MakePlan) -> None:
    overrides = ("compile.loss=mse", "data.target=score")
    plans = [make_points_plan(f"model={model}", *overrides) for model in MODELS.values()]
    tried = {name for plan in plans for name in names_in(plan.trials[0].spec.model)}
    assert tried == pack_rule._LAYERS
    assert tried <= set(LAYERS.entries)


OPTIMIZERS_LEFT = ("Adadelta", "Adafactor", "Ftrl", "Muon")


@pytest.mark.parametrize("name", OPTIMIZERS_LEFT)
def test_optimizers(make_points_plan: MakePlan, name: str) -> None:
    assert_same_alone(make_points_plan(f"compile.optimizer={{{name}: {{learning_rate: {RATES}}}}}", *TWO))


def test_all_optimizers_are_tried() -> None:
    in_grid = {case[1].split(":")[0].strip("{ ") for case in CASES.values()}
    assert in_grid | set(OPTIMIZERS_LEFT) == set(OPTIMIZERS.entries) - pack_rule._NOT_OPTIMIZERS


# Of those that the grid of exactness has not.
LOSSES_LEFT = {
    "kind": ("CategoricalFocalCrossentropy", "CategoricalHinge", "KLDivergence"),
    "yes": ("SquaredHinge",),
    "score": ("CosineSimilarity", "Poisson", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError"),
}
ENDS = {
    "kind": "{Dense: {units: 4, activation: softmax}}",
    "yes": "{Dense: {units: 1, activation: sigmoid}}",
    "score": "{Dense: {units: 1, activation: softplus}}",
}


@pytest.mark.parametrize(
    ("target", "loss"), [(target, loss) for target, losses in LOSSES_LEFT.items() for loss in losses]
)
def test_losses(make_points_plan: MakePlan, target: str, loss: str) -> None:
    assert loss in LOSSES.entries
    assert_same_alone(
        make_points_plan(
            f"data.target={target}",
            f"model.1={ENDS[target]}",
            f"compile={{optimizer: {{SGD: {{learning_rate: {RATES}}}}}, loss: {{{loss}: {{}}}}}}",
            *TWO,
        )
    )


BINARY = (
    *("Accuracy", "BinaryAccuracy", "AUC", "Precision", "Recall", "PrecisionAtRecall: {recall: 0.5}"),
    *("RecallAtPrecision: {precision: 0.5}", "SensitivityAtSpecificity: {specificity: 0.5}"),
    *("SpecificityAtSensitivity: {sensitivity: 0.5}", "FalseNegatives", "FalsePositives", "TrueNegatives"),
    *("TruePositives", "Hinge", "SquaredHinge", "Poisson", "LogCoshError"),
)
CLASSES = (
    *("CategoricalAccuracy", "CategoricalCrossentropy", "CategoricalHinge", "KLDivergence", "CosineSimilarity"),
    *("F1Score: {average: macro}", "FBetaScore: {average: micro}"),
)
NUMBERS = (
    *("MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError"),
    *("RootMeanSquaredError", "R2Score", "ConcordanceCorrelation", "PearsonCorrelation"),
)
SPARSE = ("SparseCategoricalAccuracy", "SparseCategoricalCrossentropy")
OF_METRICS = {
    "yes": ("binary_crossentropy", BINARY),
    "kind": ("categorical_crossentropy", CLASSES),
    "score": ("mse", NUMBERS),
    "sparse": ("sparse_categorical_crossentropy", SPARSE),
}


@pytest.mark.parametrize("target", OF_METRICS)
def test_metrics(make_points_plan: MakePlan, target: str) -> None:
    loss, metrics = OF_METRICS[target]
    written = ", ".join(f"{{{metric}}}" if ":" in metric else metric for metric in metrics)
    target = "kind" if target == "sparse" else target
    assert_same_alone(
        make_points_plan(
            f"data.target={target}",
            f"model.1={ENDS[target]}",
            f"compile={{optimizer: {{Adam: {{learning_rate: {RATES}}}}}, loss: {loss}, metrics: [{written}]}}",
            *TWO,
        )
    )


def test_all_metrics_are_tried() -> None:
    tried = {metric.split(":")[0] for _, metrics in OF_METRICS.values() for metric in metrics}
    # The grid of exactness has accuracy; BinaryCrossentropy takes a target of another shape, and no other operation.
    elsewhere = {"acc", "accuracy", "BinaryCrossentropy"}
    assert tried | elsewhere == set(METRICS.entries) - pack_rule._NOT_METRICS


def test_weighted_rows(make_points_plan: MakePlan) -> None:
    assert_same_alone(
        make_points_plan(
            f"compile.optimizer.Adam.learning_rate={RATES}",
            "compile.weighted_metrics=[accuracy]",
            "fit.class_weight=balanced",
            "fit.pack=2",
            "search.trials=2",
        )
    )
