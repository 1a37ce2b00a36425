"""How much each row counts: its own weight, and that of its class."""

from __future__ import annotations

import numpy as np

from seqjobs.data.dataset import Array, Split
from seqjobs.spec.sections import TrialSpec


def training_weights(trial: TrialSpec, split: Split, classes: tuple[str, ...] | None) -> Array | None:
    """The weights (rows,) float32 of the rows that are trained on; None where none are asked for.

    `classes` are the strings behind the indices of a string target. Rows that are validated on count by
    `split.weight` alone: Keras's `fit` takes no class weights for them.
    """
    asked = trial.fit.class_weight
    if asked is None:
        return split.weight
    found, positions = np.unique(class_indices(split.target), return_inverse=True)
    if asked == "balanced":
        by_class = _balanced(positions, len(found))
    else:
        labels = [str(index) if classes is None else classes[index] for index in found]
        # Keras's `fit` gives 1 to a class that is left out.
        # keras/src/trainers/data_adapters/data_adapter_utils.py, class_weight_to_sample_weights.
        by_class = np.array([asked.get(label, 1.0) for label in labels], np.float32)
    weights = by_class[positions]
    return weights if split.weight is None else weights * split.weight


def class_indices(target: Array) -> Array:
    """The class (rows,) int32 of each row: a number rounded, or which of several is the largest, as in Keras."""
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
