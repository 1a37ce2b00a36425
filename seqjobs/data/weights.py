"""How much each row counts: its own weight, and the weight of its class."""

from __future__ import annotations

from typing import final

import numpy as np
import pyarrow as pa

from seqjobs.data.columns import numbers_of
from seqjobs.data.dataset import Array, Split
from seqjobs.data.place import Place
from seqjobs.data.tally import Tally
from seqjobs.jobspec.sections import TrialSpec
from seqjobs.operations.arrays import rows_with


def training_weights(trial: TrialSpec, split: Split, classes: tuple[str, ...] | None) -> Array | None:
    """Return the weights (rows,) float32 of the rows that are trained on, or None if the spec has none.

    `classes` are the strings behind the indices of a string target. Only `split.weight` counts for
    validation rows: Keras's `fit` takes no class weights for them.
    """
    asked = trial.fit.class_weight
    if asked is None:
        return split.weight
    found, positions = np.unique(class_indices(split.target), return_inverse=True)
    if asked == "balanced":
        by_class = _balanced(positions, len(found))
    else:
        labels = [str(index) if classes is None else classes[index] for index in found]
        # Keras's `fit` gives the weight 1 to a class that is left out.
        # keras/src/trainers/data_adapters/data_adapter_utils.py, class_weight_to_sample_weights.
        by_class = np.array([asked.get(label, 1.0) for label in labels], np.float32)
    weights = by_class[positions]
    return weights if split.weight is None else weights * split.weight


def class_indices(target: Array) -> Array:
    """Return the class (rows,) int32 of each row: the rounded number, or the index of the largest one, as in Keras."""
    if target.ndim > 1:
        target = target[:, 0] if target.shape[1] == 1 else np.argmax(target, axis=1)
    return np.round(target).astype(np.int32)


def _balanced(positions: Array, num_classes: int) -> Array:
    """rows / (classes * rows of the class), over the classes that have rows.

    scikit-learn's formula: sklearn.utils.class_weight.compute_class_weight, after King and Zeng, "Logistic
    Regression in Rare Events Data", 2001.
    """
    counts = np.bincount(positions, minlength=num_classes)
    return (len(positions) / (num_classes * counts)).astype(np.float32)


@final
class WeightArray:
    """The weights of the rows of one split, filled batch by batch: one float32 per row."""

    def __init__(self, name: str, rows: int, tally: Tally) -> None:
        self._name = name
        self._array = np.empty(rows, np.float32)
        self._tally = tally

    def write(self, column: pa.Array, start: int, place: Place) -> None:
        """Decode the weights of a batch into the rows from `start`, and count wrong ones."""
        block = self._array[start : start + len(column)].reshape(-1, 1)
        numbers = numbers_of(column, self._name, 1, place)
        if numbers.values is None:
            self._tally.add("E408", "null", self._name, numbers.null_rows, place)
            return
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, and is found as such
            np.copyto(block, numbers.values, casting="unsafe")
        self._tally.add("E431", "NaN or infinite", self._name, rows_with(~np.isfinite(block)), place)
        self._tally.add("E431", "negative", self._name, rows_with(block < 0), place)

    def finish(self) -> Array:
        """Return the weights (rows,)."""
        return self._array
