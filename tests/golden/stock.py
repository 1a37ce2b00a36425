"""Stock Keras's training of the cases. Imports TensorFlow."""

from __future__ import annotations

import keras

from tests.golden.cases import Case, plain_fit
from tests.golden.references import Reference, sample


def train_stock(case: Case) -> Reference:
    """Train a case with stock Keras."""
    history, weights = plain_fit(keras, case)
    return Reference(history=history, weights=tuple(map(sample, weights)))
