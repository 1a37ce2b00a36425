"""Predictor: a finished model, compiled for new rows."""

from __future__ import annotations

import math
from typing import Any, Self, final

import keras
import numpy as np
import tensorflow as tf

from seqjobs.data.dataset import Array, Split
from seqjobs.data.new_features import scale_of
from seqjobs.planning.compile_rule import Compilation
from seqjobs.training.compiled import Compiled
from seqjobs.training.finished_model import FinishedModel
from seqjobs.training.graph_rows import Tensors
from seqjobs.training.model import build_model, forget_models
from seqjobs.training.value_check import check_features

# Of the features of a batch: enough to be worth a call, little enough for what layers make of them.
BATCH_BYTES = 1 << 20
LEAST_ROWS, MOST_ROWS = 32, 1024


def built(model: FinishedModel) -> keras.Sequential:
    """The Keras model with the trial's weights, compiled as it was for training."""
    forget_models()
    made = build_model(model.trial.spec, model.preparation.feature_shape, model.trial.seed)
    made.set_weights(list(model.weights))
    return made


@final
class Predictor:
    """All batches have one shape, so that the model is traced once, and a row's prediction does not hang on how many
    rows come with it. Make it with `of`."""

    def __init__(self, model: keras.Sequential, scale: Array | None, batch_size: int) -> None:
        self._model = model
        self._scale = scale
        self._batch_size = batch_size
        self._compiled = Compiled(self._predict, Compilation.GRAPH)

    @classmethod
    def of(cls, model: FinishedModel) -> Self:
        """Builds the model. Raises what Keras raises."""
        wanted = BATCH_BYTES // (4 * math.prod(model.preparation.feature_shape))
        batch_size = max(LEAST_ROWS, min(MOST_ROWS, wanted))
        return cls(built(model), scale_of(model.preparation), batch_size)

    def predict(self, features: Array) -> Array:
        """The outputs (rows, ...) float32 of features as they are stored. Raises DataError E419."""
        check_features([Split(features=features, target=features)], self._scale, self._model)
        made = [self._batch(features[start : start + self._batch_size]) for start in self._starts(len(features))]
        return np.concatenate(made)

    def _starts(self, rows: int) -> range:
        return range(0, rows, self._batch_size)

    def _batch(self, features: Array) -> Array:
        lacking = self._batch_size - len(features)
        padded = np.pad(features, [(0, lacking), *[(0, 0)] * (features.ndim - 1)]) if lacking else features
        found: Array = self._compiled((tf.constant(padded),)).numpy()
        return found[: len(features)]

    def _predict(self, rows: Tensors) -> Any:
        features = tf.cast(rows[0], tf.float32)
        return tf.cast(
            self._model(features if self._scale is None else features * self._scale, training=False), tf.float32
        )
