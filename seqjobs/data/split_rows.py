"""split_rows: how many of the training rows a trial trains on."""

from __future__ import annotations

import math


def split_rows(rows: int, fraction: float) -> int:
    """How many leading rows are trained on when the last `fraction` validates; as Keras computes it.

    keras/src/trainers/data_adapters/data_adapter_utils.py, train_validation_split.
    """
    return math.floor(rows * (1.0 - fraction))
