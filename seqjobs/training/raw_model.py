"""raw_model: a finished model behind Keras's own layers, which do to raw columns what was done to them for training.

Columns are float64 until they are features, as NumPy has them: in float32 a year would lose its days.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from seqjobs.data.dataset import Array
from seqjobs.data.new_features import scale_of
from seqjobs.data.preparation import Preparation
from seqjobs.data.preprocess import Operation
from seqjobs.data.preprocess.bucketize import Bucketize
from seqjobs.data.preprocess.categories import Categories
from seqjobs.data.preprocess.chain import Chain
from seqjobs.data.preprocess.clip import Clip
from seqjobs.data.preprocess.cyclic import Cyclic
from seqjobs.data.preprocess.date_parts import DateParts
from seqjobs.data.preprocess.hash import Hash
from seqjobs.data.preprocess.impute import Impute
from seqjobs.data.preprocess.index import Index
from seqjobs.data.preprocess.log1p import Log1p
from seqjobs.data.preprocess.min_max import MinMax
from seqjobs.data.preprocess.one_hot import OneHot
from seqjobs.data.preprocess.pad import Pad
from seqjobs.data.preprocess.rescale import Rescale
from seqjobs.data.preprocess.standardize import Standardize
from seqjobs.data.preprocess.tokens import Tokens
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.prediction import built
from seqjobs.training.raw_lists import padded
from seqjobs.training.raw_texts import Tokenizer
from seqjobs.training.raw_times import cyclic_part, date_parts, local_times

_Makers = dict[type[Operation], Callable[[Any, Any], Any]]
_BOOLS = {"false": 0, "true": 1}


def raw_model(model: FinishedModel) -> keras.Model:
    """Takes a mapping of columns: (rows, width), or (rows,) for single values; NaN for what is missing.

    `model(columns)` is exact; `model.predict` rounds arrays to float32 first, but not those of a tf.data.Dataset.
    Strings are tf.string, columns whose whole numbers are looked up or hashed int64, times int64 microseconds since
    1970 (by UTC, or by the clock of their place where they have no zone), all others float64. Lists of different
    lengths are filled up with NaN behind their end. The preparation must have passed `check_exportable`.
    Raises where a string is called for a time and is none of `raw_time_texts.FORMS`.
    """
    names = [chain.name for chain in model.preparation.chains]
    # A compiled one would be saved with an optimizer that lacks its variables.
    layers = [keras.Input(model.preparation.feature_shape), *built(model).layers]
    made = keras.Sequential(layers, name=_free("model", names))
    inputs = [_input(chain, chain.name) for chain in model.preparation.chains]
    features = _preparing(model.preparation, _free("preprocessing", names))(inputs)
    return keras.Model(dict(zip(names, inputs, strict=True)), made(features))


def _preparing(preparation: Preparation, name: str) -> keras.Model:
    """In a model of its own, for a column may have the name of an operation of Keras's."""
    inputs = [_input(chain, f"column_{index}") for index, chain in enumerate(preparation.chains)]
    makers: _Makers = {**_MAKERS, Tokens: Tokenizer()}
    applied = [_applied(chain, column, makers) for chain, column in zip(preparation.chains, inputs, strict=True)]
    parts = [ops.cast(part, "float32") for part in applied]
    features = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
    features = ops.reshape(features, (-1, *preparation.feature_shape))
    scale = scale_of(preparation)
    if scale is not None:
        features = ops.multiply(features, float(scale) if scale.ndim == 0 else scale.reshape(1, -1))
    return keras.Model(inputs, features, name=name)


def _free(name: str, names: list[str]) -> str:
    while name in names:
        name += "_"
    return name


def _input(chain: Chain, name: str) -> Any:
    given, dtype = chain.given, "float64"
    if given.kind == "string":
        dtype = "string"
    elif given.kind == "time" or (given.kind != "float" and _looks_up(chain)):
        dtype = "int64"
    return keras.Input((None,) if given.shape is None else given.shape or (1,), dtype=dtype, name=name)


def _looks_up(chain: Chain) -> bool:
    return bool(chain.operations) and isinstance(chain.operations[0], Categories | Hash)


def _applied(chain: Chain, column: Any, makers: _Makers) -> Any:
    current = column if len(column.shape) == 2 else ops.reshape(column, (-1, chain.given.width))
    if chain.given.zone is not None:
        current = local_times(current, chain.given.zone)
    for operation in chain.operations:
        current = makers[type(operation)](operation, current)
    return current


def _row(values: Any) -> Array:
    return np.asarray(values, np.float64).reshape(1, -1)


def _standardize(operation: Any, column: Any) -> Any:
    return ops.divide(ops.subtract(column, _row(operation.mean)), _row(operation.deviation))


def _min_max(operation: Any, column: Any) -> Any:
    width = _row(operation.largest) - _row(operation.least)
    share = ops.divide(ops.subtract(column, _row(operation.least)), np.where(width == 0, 1.0, width))
    return ops.add(ops.multiply(share, _row(operation.high - operation.low)), _row(operation.low))


def _clip(operation: Any, column: Any) -> Any:
    if operation.low is not None:
        column = ops.maximum(column, _row(operation.low))
    return column if operation.high is None else ops.minimum(column, _row(operation.high))


def _impute(operation: Any, column: Any) -> Any:
    if column.dtype == "string":  # of which none is missing in a tensor
        return column
    missing = ops.isnan(column)
    filled = ops.where(missing, _row(operation.constant if operation.values is None else operation.values), column)
    if not operation.indicator:
        return filled
    return ops.concatenate([filled, ops.cast(missing, "float64")], axis=-1)


def _bucketize(operation: Any, column: Any) -> Any:
    if not operation.boundaries:
        return ops.zeros_like(column)
    boundaries = _row(operation.boundaries).reshape(1, 1, -1)
    return ops.sum(ops.cast(ops.greater_equal(ops.expand_dims(column, -1), boundaries), "float64"), axis=-1)


def _cyclic(operation: Any, column: Any) -> Any:
    if operation.part is not None:
        return cyclic_part(operation, column)
    angle = ops.multiply(column, _row(2 * np.pi / operation.period))
    return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)


def _hash(operation: Any, column: Any) -> Any:
    if "float" in column.dtype:  # of which Keras hashes the whole part alone
        number = ops.where(ops.isnan(column), np.float64(np.nan), column)  # whose bits are many
        is_whole = ops.logical_and(ops.equal(ops.floor(number), number), ops.less(ops.abs(number), np.float64(2**63)))
        whole = ops.cast(ops.where(is_whole, number, np.float64(0)), "int64")
        column = ops.where(is_whole, whole, ops.view(number, dtype="int64"))
    return ops.cast(keras.layers.Hashing(operation.buckets, salt=operation.seed)(column), "float64")


def _index(operation: Any, column: Any) -> Any:
    return ops.cast(_looked_up(operation, column), "float64")


def _one_hot(operation: Any, column: Any) -> Any:
    found = ops.reshape(_looked_up(operation, column), (-1,))
    return ops.one_hot(found, operation.num_categories, dtype="float64")


def _looked_up(operation: Any, column: Any) -> Any:
    """Which category each value is; without others Keras raises for a value that is none."""
    if "float" in column.dtype:  # of which Keras looks up none; there are others then
        is_it = ops.equal(column, _row([float(text) for text in operation.categories]))
        places = np.arange(1, len(operation.categories) + 1).reshape(1, -1)
        return ops.sum(ops.multiply(ops.cast(is_it, "int64"), places), axis=-1, keepdims=True)
    others = {"num_oov_indices": operation.first, "mask_token": None}
    if column.dtype == "string":
        unknown = "[UNK]"
        while unknown in operation.categories:
            unknown += "_"
        return keras.layers.StringLookup(vocabulary=list(operation.categories), oov_token=unknown, **others)(column)
    numbers = [_BOOLS[text] if text in _BOOLS else int(text) for text in operation.categories]
    return keras.layers.IntegerLookup(vocabulary=numbers, oov_token=min(numbers) - 1, **others)(column)


_MAKERS: _Makers = {
    Bucketize: _bucketize,
    Clip: _clip,
    Cyclic: _cyclic,
    DateParts: date_parts,
    Hash: _hash,
    Impute: _impute,
    Index: _index,
    Log1p: lambda _, column: ops.log1p(column),
    MinMax: _min_max,
    OneHot: _one_hot,
    Pad: padded,
    Rescale: lambda operation, column: ops.multiply(column, _row(operation.factor)),
    Standardize: _standardize,
}
