"""A multilayer perceptron 784-128-64-1."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.benchmarks.workloads._base import Product, Workload

FEATURES, BATCH = 784, 32


def build(keras: ModuleType, learning_rate: float) -> Any:
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "binary_crossentropy", metrics=["accuracy"])
    return model


DENSE = Workload(
    name="dense",
    title="Dense 128 relu, Dense 64 relu, Dense 1 sigmoid; Adam",
    rows=9_600,
    validation_rows=1_200,
    epochs=5,
    batch_size=BATCH,
    feature_shape=(FEATURES,),
    num_classes=2,
    pixels=True,
    model="""
model:
  - Dense: {units: 128, activation: relu}
  - Dense: {units: 64, activation: relu}
  - Dense: {units: 1, activation: sigmoid}
compile:
  optimizer: {Adam: {learning_rate: {log_uniform: [1e-4, 1e-2]}}}
  loss: binary_crossentropy
  metrics: [accuracy]
""",
    build=build,
    products=(
        Product(rows=BATCH, inner=FEATURES, columns=128, first=True),
        Product(rows=BATCH, inner=128, columns=64),
        Product(rows=BATCH, inner=64, columns=1),
    ),
    trials=16,
)
