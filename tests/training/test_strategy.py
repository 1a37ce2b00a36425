"""Several devices in one worker: two mirrored CPU devices, in a process of their own, against one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seqjobs.tables import LAYERS
from tests.conftest import POINTS_SPEC

pytestmark = pytest.mark.slow

CHILD = """
import json, sys
from dataclasses import replace
from pathlib import Path
from seqjobs.training import environment
environment.pin()
import tensorflow as tf
from seqjobs.data.read import read_dataset
from seqjobs.preview import plan_jobs
from seqjobs.jobspec.load import parse_job
from seqjobs.training import devices
from seqjobs.training.outcome import EpochReport, PackCheckpoint, TrialOutcome
from seqjobs.training.trial_runner import TrialRunner

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
names = devices.prepare(1)
for overrides in json.loads(sys.argv[3]):
    plan = plan_jobs([parse_job(sys.argv[1], Path(sys.argv[2]) / "job.yaml", ["data.train=test.parquet", *overrides])])
    dataset = read_dataset(plan.datasets[0])
    for gpus in ((), ("CPU:0", "CPU:1")):
        pack, runner = replace(plan.packs[0], checkpoint_seconds=0.0), TrialRunner(names, gpus=gpus)
        items = list(runner.run(pack, dataset))
        saved = [item for item in items if isinstance(item, PackCheckpoint)]
        outcome, weights = [item for item in items if isinstance(item, tuple | TrialOutcome)]
        told = {"history": outcome.history, "failure": str(outcome.failure), "compiled": outcome.compiled}
        if saved:
            items = list(runner.run(pack, dataset, saved[0].content))
            *_, again, weights_again = items
            same = all((a == b).all() for a, b in zip(weights, weights_again, strict=True))
            trained = [item.epoch for item in items if isinstance(item, EpochReport)]
            told["resumed"] = [saved[0].epochs, trained, again.history == outcome.history and same]
        print(json.dumps({**told, "weights": [w.ravel().tolist() for w in weights]}))
"""


# 50 rows. Batches of 10 spread evenly; of 9, 5 and 4 rows, and 3 and 2 of the last 5. Clipping hangs on the norm of the
# whole batch's gradient, and what a regularizer adds on being there once. What a normalization takes away again has a
# gradient of nothing but roundings, which Adam makes steps of: so no bias is in front of one.
LAST = "{Dense: {units: 1, activation: sigmoid}}"
CASES = {
    "even": [
        "fit.batch_size=10",
        "model=[{Reshape: {target_shape: [3, 2]}}, {Dense: {units: 4}}, {Activation: {activation: relu}}, Flatten, "
        f"{LAST}]",
    ],
    "uneven": ["fit.batch_size=9"],
    "clipped, stopped early": [
        "fit.batch_size=9",
        "compile.optimizer={SGD: {learning_rate: 0.5, global_clipnorm: 0.05}}",
        "fit.callbacks=[{EarlyStopping: {monitor: val_loss, patience: 1, min_delta: 10, restore_best_weights: true}}]",
    ],
    "weighted and regularized": [
        "fit.batch_size=9",
        "fit.class_weight={0: 1.0, 1: 3.0}",
        "data.sample_weight=kind",
        f"model=[{{Dense: {{units: 8, activation: relu, kernel_regularizer: {{L2: {{l2: 0.01}}}}}}}}, {LAST}]",
    ],
    "scheduled, stopped at nan": [
        "fit.batch_size=9",
        "compile.optimizer={Adam: {learning_rate: {ExponentialDecay: "
        "{initial_learning_rate: 0.05, decay_steps: 3, decay_rate: 0.5}}}}",
        "fit.callbacks=[TerminateOnNaN]",
    ],
    "vectors": [
        "fit.batch_size=9",
        "model=[{Rescaling: {scale: 0.5}}, {Normalization: {mean: 0.1, variance: 2.0}}, {Dense: {units: 12}},"
        " {EinsumDense: {equation: 'ab,bc->ac', output_shape: 12}}, {GroupNormalization: {groups: 3}}, ReLU,"
        " {Dense: {units: 8}}, LayerNormalization, LeakyReLU, {Dense: {units: 8}}, RMSNormalization, ELU, PReLU,"
        f" {{Dense: {{units: 8}}}}, UnitNormalization, Softmax, {LAST}]",
    ],
    "images": [
        "fit.batch_size=9",
        "model=[{Dense: {units: 32}}, {Reshape: {target_shape: [4, 4, 2]}}, {Conv2D: {filters: 3, kernel_size: 2}},"
        " {ZeroPadding2D: {padding: 1}}, {Conv2DTranspose: {filters: 3, kernel_size: 2}}, {Cropping2D: {cropping: 1}},"
        " {UpSampling2D: {size: 2}}, {DepthwiseConv2D: {kernel_size: 2}}, {MaxPooling2D: {pool_size: 2}},"
        " {SeparableConv2D: {filters: 4, kernel_size: 2}}, {AveragePooling2D: {pool_size: 2}},"
        " {Reshape: {target_shape: [1, 1, 4]}}, GlobalMaxPooling2D, {Reshape: {target_shape: [2, 2, 1]}},"
        f" GlobalAveragePooling2D, {LAST}]",
    ],
    "sequences": [
        "fit.batch_size=9",
        "model=[{Dense: {units: 8}}, {RepeatVector: {n: 6}}, {TimeDistributed: {layer: {Dense: {units: 4}}}},"
        " {Conv1D: {filters: 4, kernel_size: 2}}, {UpSampling1D: {size: 2}}, {ZeroPadding1D: {padding: 1}},"
        " {Cropping1D: {cropping: 1}}, {MaxPooling1D: {pool_size: 2}}, {AveragePooling1D: {pool_size: 2}},"
        " {Permute: {dims: [2, 1]}}, {LSTM: {units: 3, return_sequences: true, dropout: 0.1}}, {GRU: {units: 3,"
        " return_sequences: true, recurrent_dropout: 0.1}}, {Bidirectional: {layer: {SimpleRNN: {units: 3,"
        " return_sequences: true, dropout: 0.2, recurrent_dropout: 0.1}}}},"
        f" GlobalAveragePooling1D, {{Reshape: {{target_shape: [3, 2]}}}}, GlobalMaxPooling1D, {LAST}]",
    ],
    "tables": [
        "fit.batch_size=9",
        "data.features={kind: raw}",
        f"model=[{{Embedding: {{input_dim: 4, output_dim: 3, mask_zero: true}}}}, BatchNormalization, Flatten, {LAST}]",
    ],
    "noise, penalties on outputs": [
        "fit.batch_size=9",
        "model=[{Dense: {units: 16, activation: relu, activity_regularizer: {L1L2: {l1: 0.01, l2: 0.02}}}},"
        " {ActivityRegularization: {l2: 0.05}}, {Dropout: {rate: 0.4}}, {GaussianNoise: {stddev: 0.1}},"
        " {GaussianDropout: {rate: 0.1}}, {AlphaDropout: {rate: 0.1}}, {Reshape: {target_shape: [4, 4]}},"
        " {TimeDistributed: {layer: {Dropout: {rate: 0.1}}}},"
        " {SpatialDropout1D: {rate: 0.2}}, {Reshape: {target_shape: [2, 2, 4]}}, {SpatialDropout2D: {rate: 0.2}},"
        f" {{Reshape: {{target_shape: [2, 2, 2, 2]}}}}, {{SpatialDropout3D: {{rate: 0.2}}}}, Flatten, {LAST}]",
    ],
    "normalized": [
        "fit.batch_size=9",
        "model=[{BatchNormalization: {momentum: 0.9, center: false}}, {Dense: {units: 18, use_bias: false}},"
        " {BatchNormalization: {synchronized: true}}, ReLU, {Reshape: {target_shape: [3, 3, 2]}},"
        " {Conv2D: {filters: 3, kernel_size: 2, use_bias: false}}, {BatchNormalization: {axis: 1, epsilon: 0.01}},"
        " ELU, {Reshape: {target_shape: [2, 6]}}, {TimeDistributed: {layer: BatchNormalization}},"
        f" {{Dropout: {{rate: 0.3}}}}, Flatten, {LAST}]",
    ],
    "volumes": [
        "fit.batch_size=9",
        "model=[{Dense: {units: 64}}, {Reshape: {target_shape: [4, 4, 4, 1]}}, {Conv3D: {filters: 2, kernel_size: 2}},"
        " {Conv3DTranspose: {filters: 2, kernel_size: 2}}, {ZeroPadding3D: {padding: 1}}, {Cropping3D: {cropping: 1}},"
        " {MaxPooling3D: {pool_size: 2}}, {UpSampling3D: {size: 2}}, {AveragePooling3D: {pool_size: 2}},"
        " GlobalAveragePooling3D, {Dense: {units: 12}}, {Reshape: {target_shape: [3, 2, 2]}},"
        " {ConvLSTM1D: {filters: 4, kernel_size: 2, padding: same}}, {Conv1DTranspose: {filters: 4, kernel_size: 2}},"
        " {DepthwiseConv1D: {kernel_size: 2}}, {SeparableConv1D: {filters: 4, kernel_size: 2, padding: same}},"
        " {Reshape: {target_shape: [2, 2, 2, 1]}}, {ConvLSTM2D: {filters: 4, kernel_size: 2, dropout: 0.1,"
        " recurrent_dropout: 0.1}},"
        f" {{Reshape: {{target_shape: [1, 1, 1, 4]}}}}, GlobalMaxPooling3D, {LAST}]",
    ],
    "augmented": [
        "fit.batch_size=9",
        "model=[{Rescaling: {scale: 20, offset: 100}}, {Reshape: {target_shape: [3, 2, 1]}},"
        " {Resizing: {height: 6, width: 6}}, {CenterCrop: {height: 5, width: 5}}, RandomFlip,"
        " {RandomRotation: {factor: 0.1}}, {RandomZoom: {height_factor: 0.2}},"
        " {RandomTranslation: {height_factor: 0.2, width_factor: 0.2}}, {RandomContrast: {factor: 0.3}},"
        f" {{RandomBrightness: {{factor: 0.2}}}}, {{Rescaling: {{scale: 0.01}}}}, Flatten, {LAST}]",
    ],
    # Keras's own `fit`, here with sums of other shapes than before.
    "left to Keras": ["fit.batch_size=10", "fit.compile=stock", f"model=[{{Dense: {{units: 4}}}}, {LAST}]"],
}


def test_all_layers_are_tried() -> None:
    written = str(CASES)
    assert [name for name in LAYERS.entries if not re.search(rf"\b{name}\b", written)] == []


@pytest.fixture(scope="module")
def outcomes(points: Path) -> dict[str, tuple[dict[str, Any], ...]]:
    command = [sys.executable, "-c", CHILD, POINTS_SPEC, str(points), json.dumps(list(CASES.values()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(CASES, zip(lines[::2], lines[1::2], strict=True), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_two_mirrored_devices_give_the_numbers_of_one(
    outcomes: dict[str, tuple[dict[str, Any], ...]], case: str
) -> None:
    one, two = outcomes[case]
    assert one["failure"] == two["failure"] == "None"
    assert two["compiled"] == ("stock" if case == "left to Keras" else "mirrored-2")
    epochs = len(one["history"]["loss"])
    assert epochs == (2 if "stopped early" in case else 3)
    assert two.get("resumed") == (None if case == "left to Keras" else [1, list(range(1, epochs)), True])
    assert list(two["history"]) == list(one["history"])
    for column, values in one["history"].items():
        assert two["history"][column] == pytest.approx(values, rel=1e-6, abs=1e-6), column
    for mirrored, alone in zip(two["weights"], one["weights"], strict=True):
        assert mirrored == pytest.approx(alone, rel=1e-6, abs=1e-6)
