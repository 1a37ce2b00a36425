"""A small convolutional network on images of 28x28."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.benchmarks.workloads._base import Product, Workload

BATCH, FILTERS = 128, 32


def build(keras: ModuleType, learning_rate: float) -> Any:
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(FILTERS, (3, 3), activation="relu"),
            keras.layers.MaxPooling2D((2, 2)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


CONVOLUTION = Workload(
    name="convolution",
    title="Conv2D 32 3x3 relu, MaxPooling2D, Flatten, Dense 128 relu, Dense 10 softmax; Adam",
    rows=5_120,
    validation_rows=640,
    epochs=3,
    batch_size=BATCH,
    feature_shape=(28, 28, 1),
    num_classes=10,
    pixels=True,
    model="""
model:
  - Conv2D: {filters: 32, kernel_size: [3, 3], activation: relu}
  - MaxPooling2D: {pool_size: [2, 2]}
  - Flatten
  - Dense: {units: 128, activation: relu}
  - Dense: {units: 10, activation: softmax}
compile:
  optimizer: {Adam: {learning_rate: {log_uniform: [1e-4, 1e-2]}}}
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
""",
    build=build,
    products=(
        # A convolution is a product of patches and filters: 26 x 26 patches a row.
        Product(rows=BATCH * 26 * 26, inner=9, columns=FILTERS, first=True),
        Product(rows=BATCH, inner=13 * 13 * FILTERS, columns=128),
        Product(rows=BATCH, inner=128, columns=10),
    ),
    trials=12,
)
