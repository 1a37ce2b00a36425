"""The order of an epoch's rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def epoch_order(rows: int, seed: int, epoch: int) -> npt.NDArray[np.intp]:
    """The permutation of an epoch: out of (seed, epoch) alone, so that a trial can go on at any epoch.

    Sorts raw Philox bits, which NumPy keeps stable; its `permutation` may change between versions (NEP 19).
    """
    return np.argsort(np.random.Philox(key=[seed, epoch]).random_raw(rows), kind="stable")
