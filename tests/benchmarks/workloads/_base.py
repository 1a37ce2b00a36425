"""Workload: one model on one dataset, as a spec for seqjobs and as plain Keras for its peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Build = Callable[[ModuleType, float], Any]
"""(keras, learning rate) -> a compiled `keras.Sequential`. Keras is given, so that the program never loads it."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """The matrix products of one layer in a training step: (rows, inner) x (inner, columns), `times` of them."""

    rows: int
    inner: int
    columns: int
    times: int = 1
    first: bool = False
    """Whether nothing before it is trained: then there is no gradient of its input."""

    @property
    def flops(self) -> int:
        """Multiplications and additions, forward and of the gradients."""
        return 2 * self.rows * self.inner * self.columns * self.times * (2 if self.first else 3)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What every side trains alike. Sizes are rows; `validation_rows` is 0 where the training rows are split."""

    name: str
    title: str
    rows: int
    validation_rows: int
    validation_split: float = 0.0
    epochs: int
    batch_size: int
    feature_shape: tuple[int, ...]
    num_classes: int
    """2 is a yes or no, compared with one number; more are compared with one number a class."""
    one_hot: bool = False
    """Whether Keras wants the target as one-hot rows; seqjobs makes them by itself."""
    pixels: bool = False
    """Whether features are stored as bytes, which both sides multiply by 1/255."""
    model: str
    """The sections `model` and `compile` of the spec."""
    optimizer: str = "Adam"
    build: Build
    products: tuple[Product, ...]
    """Those of one batch."""
    trials: int
    """How many seqjobs trains, so that it takes some seconds."""
    peer_trials: int = 3

    @property
    def steps(self) -> int:
        """Training steps of one epoch."""
        return -(-self.training_rows // self.batch_size)

    @property
    def training_rows(self) -> int:
        """The rows that Keras trains on when it splits."""
        return int(self.rows * (1 - self.validation_split))

    @property
    def flops(self) -> int:
        """Of the matrix products of one training step of one trial."""
        return sum(product.flops for product in self.products)

    def spec(self) -> str:
        """The whole spec; its data lie beside it."""
        validation = ", validation: validation.parquet" if self.validation_rows else ""
        ops = "{rescale: 0.00392156862745098, " if self.pixels else "{"
        split = f", validation_split: {self.validation_split}" if self.validation_split else ""
        return (
            f"name: {self.name}\n"
            f"data: {{train: train.parquet{validation}, features: {{x: {ops}shape: {list(self.feature_shape)}}}}}, "
            "target: y}\n"
            f"{self.model.strip()}\n"
            f"fit: {{epochs: {self.epochs}, batch_size: {self.batch_size}{split}}}\n"
            "objective: {metric: val_loss, direction: minimize}\n"
        )
