"""What values of the data a model cannot take. TensorFlow's graph finds it on the way, XLA never does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from seqjobs.data.dataset import Array, Dataset, Split
from seqjobs.data.streamed.stored_rows import StoredRows
from seqjobs.errors import DataError
from seqjobs.jobspec.model_check import needs_integer
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.tables import complete_arguments


def check_values(trial: TrialSpec, dataset: Dataset, model: keras.Sequential) -> None:
    """Raises DataError: E418 for a class without an output, E419 for an index outside the table of an Embedding."""
    splits = [split for split in (dataset.train, dataset.validation) if split is not None]
    check_splits(trial, splits, dataset.scale, model)


def check_splits(trial: TrialSpec, splits: Sequence[Split], scale: Array | None, model: keras.Sequential) -> None:
    """As `check_values`, of rows that are in no dataset."""
    check_features(splits, scale, model)
    if needs_integer(trial.compile.loss):
        outputs = int(model.output_shape[-1])
        ignored: Any = complete_arguments(trial.compile.loss).get("ignore_class")
        for split in splits:
            counted = split.target if ignored is None else split.target[split.target != ignored]
            wrong = _outside(counted, outputs)
            if wrong is not None:
                raise DataError(
                    "E418", f"the target holds class {wrong:g}, the model has outputs for 0 to {outputs - 1}",
                    fix="give the last layer as many units as there are classes.",
                )  # fmt: skip


def check_features(splits: Iterable[Split], scale: Array | None, model: keras.Sequential) -> None:
    """Raises DataError E419 for an index outside the table of an Embedding."""
    first: Any = model.layers[0]
    if isinstance(first, keras.layers.Embedding):
        for split in splits:
            wrong = _outside(_scaled_bounds(split.features, scale), first.input_dim)
            if wrong is not None:
                raise DataError(
                    "E419", f"the features hold {wrong:g}, the Embedding has rows for 0 to {first.input_dim - 1}",
                    fix="raise its input_dim.",
                )  # fmt: skip


def _scaled_bounds(features: Array, scale: Array | None) -> Array:
    """The least and the largest of each feature, times its factor."""
    stored: object = features
    parts = stored.in_chunks() if isinstance(stored, StoredRows) else [features]
    bounds = np.stack([bound for part in parts if len(part) for bound in (part.min(axis=0), part.max(axis=0))])
    return bounds if scale is None else bounds * scale


def _outside(values: Array, bound: int) -> float | None:
    """One of the values that are no index below `bound`."""
    for value in (np.min(values, initial=0), np.max(values, initial=0)):
        if not -1 < value < bound:
            return float(value)
    return None
