"""An LSTM over sequences of 28 steps of 28 numbers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.benchmarks.workloads._base import Product, Workload

BATCH, STEPS, FEATURES, UNITS = 32, 28, 28, 64


def build(keras: ModuleType, learning_rate: float) -> Any:
    model = keras.Sequential(
        [
            keras.Input((STEPS, FEATURES)),
            keras.layers.LSTM(UNITS),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


LSTM = Workload(
    name="lstm",
    title="LSTM 64, Dense 10 softmax; Adam",
    rows=4_800,
    validation_rows=640,
    epochs=2,
    batch_size=BATCH,
    feature_shape=(STEPS, FEATURES),
    num_classes=10,
    model="""
model:
  - LSTM: {units: 64}
  - Dense: {units: 10, activation: softmax}
compile:
  optimizer: {Adam: {learning_rate: {log_uniform: [1e-4, 1e-2]}}}
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
""",
    build=build,
    products=(
        Product(rows=BATCH, inner=FEATURES, columns=4 * UNITS, times=STEPS, first=True),
        Product(rows=BATCH, inner=UNITS, columns=4 * UNITS, times=STEPS),
        Product(rows=BATCH, inner=UNITS, columns=10),
    ),
    trials=12,
)
