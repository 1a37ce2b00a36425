"""preprocessing_model: a finished model after the Keras layers that prepare raw columns as they were for training.

Columns are float64 until they are features: in float32 a year would lose its days.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqjobs.data.chain import Chain
from seqjobs.data.new_features import scale_of
from seqjobs.data.preparation import Preparation
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.prediction import built


def preprocessing_model(model: FinishedModel) -> keras.Model:
    """Return a model that takes a mapping of columns: (rows, width), or (rows,) for single values.

    Strings are tf.string, "" where one is missing; columns whose whole numbers are looked up or hashed int64; times
    int64 microseconds since 1970 (in UTC, or by the clock of their place if they have no zone); all others float64, NaN
    where a number is missing. Lists of different lengths are filled up with NaN after their end.
    `model(columns)` is exact. `model.predict` rounds arrays to float32 first, but not those of a tf.data.Dataset.
    The preparation must have passed `check_exportable`.
    """
    names = [chain.name for chain in model.preparation.chains]
    # A compiled one would be saved with an optimizer that lacks its variables.
    layers = [keras.Input(model.preparation.feature_shape), *built(model).layers]
    trained = keras.Sequential(layers, name=_free_name("model", names))
    inputs = [_input(chain, chain.name) for chain in model.preparation.chains]
    features = _prepare(model.preparation, _free_name("preprocessing", names))(inputs)
    return keras.Model(dict(zip(names, inputs, strict=True)), trained(features))


def _prepare(preparation: Preparation, name: str) -> keras.Model:
    """Return a model of its own, because a column may have the name of a Keras operation."""
    inputs = [_input(chain, f"column_{index}") for index, chain in enumerate(preparation.chains)]
    applied = [_applied(chain, column) for chain, column in zip(preparation.chains, inputs, strict=True)]
    parts = [ops.cast(part, "float32") for part in applied]
    features = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
    features = ops.reshape(features, (-1, *preparation.feature_shape))
    scale = scale_of(preparation)
    if scale is not None:
        features = ops.multiply(features, float(scale) if scale.ndim == 0 else scale.reshape(1, -1))
    return keras.Model(inputs, features, name=name)


def _free_name(name: str, names: list[str]) -> str:
    while name in names:
        name += "_"
    return name


def _input(chain: Chain, name: str) -> Any:
    given, dtype = chain.given, "float64"
    looks_up = any(first.looks_up for first in chain.operations[:1])
    if given.kind == "string":
        dtype = "string"
    elif given.kind == "time" or (given.kind != "float" and looks_up):
        dtype = "int64"  # float64 does not hold all of them
    return keras.Input((None,) if given.shape is None else given.shape or (1,), dtype=dtype, name=name)


def _applied(chain: Chain, column: Any) -> Any:
    current = column if len(column.shape) == 2 else ops.reshape(column, (-1, chain.given.width))
    if chain.looks_up_values and chain.given.kind == "float":
        current = ops.cast(
            ops.cast(current, chain.given.dtype), "float64"
        )  # 0.1 is looked up as the float32 that it is
    for operation, given in chain.steps():
        current = operation.layer(given, keras)(current)
        if current.dtype != "string":
            current = ops.cast(current, "float64")
    return current
