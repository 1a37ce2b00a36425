"""100 features through 256-dropout-128-10, a fifth of the rows held back."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.benchmarks.workloads._base import Product, Workload

FEATURES, BATCH = 100, 64


def build(keras: ModuleType, learning_rate: float) -> Any:
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.RMSprop(learning_rate), "categorical_crossentropy", metrics=["accuracy"])
    return model


DROPOUT = Workload(
    name="dropout",
    title="Dense 256 relu, Dropout 0.2, Dense 128 relu, Dense 10 softmax; RMSprop",
    rows=16_000,
    validation_rows=0,
    validation_split=0.2,
    epochs=5,
    batch_size=BATCH,
    feature_shape=(FEATURES,),
    num_classes=10,
    one_hot=True,
    model="""
model:
  - Dense: {units: 256, activation: relu}
  - Dropout: {rate: 0.2}
  - Dense: {units: 128, activation: relu}
  - Dense: {units: 10, activation: softmax}
compile:
  optimizer: {RMSprop: {learning_rate: {log_uniform: [1e-4, 1e-2]}}}
  loss: categorical_crossentropy
  metrics: [accuracy]
""",
    optimizer="RMSprop",
    build=build,
    products=(
        Product(rows=BATCH, inner=FEATURES, columns=256, first=True),
        Product(rows=BATCH, inner=256, columns=128),
        Product(rows=BATCH, inner=128, columns=10),
    ),
    trials=16,
)
