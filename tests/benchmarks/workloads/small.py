"""The small trial: what a search over a table of a few hundred rows is made of."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.benchmarks.workloads._base import Product, Workload

FEATURES, UNITS, BATCH = 30, 16, 32


def build(keras: ModuleType, learning_rate: float) -> Any:
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(UNITS, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "binary_crossentropy", metrics=["accuracy"])
    return model


SMALL = Workload(
    name="small",
    title="Dense 16 relu, Dense 1 sigmoid; Adam",
    rows=455,
    validation_rows=114,
    epochs=20,
    batch_size=BATCH,
    feature_shape=(FEATURES,),
    num_classes=2,
    model="""
model:
  - Dense: {units: 16, activation: relu}
  - Dense: {units: 1, activation: sigmoid}
compile:
  optimizer: {Adam: {learning_rate: {log_uniform: [1e-4, 1e-2]}}}
  loss: binary_crossentropy
  metrics: [accuracy]
""",
    build=build,
    products=(
        Product(rows=BATCH, inner=FEATURES, columns=UNITS, first=True),
        Product(rows=BATCH, inner=UNITS, columns=1),
    ),
    trials=1024,
    peer_trials=4,
)
