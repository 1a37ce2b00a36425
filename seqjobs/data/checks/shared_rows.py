"""Validation rows that are also trained on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqjobs.data.checks.row_hashes import row_hashes
from seqjobs.data.checks.seen_rows import feature_bytes, in_parts
from seqjobs.data.dataset import Array, Split

# Larger data is not looked at: it would take a pass over all of it.
MAX_BYTES = 256 << 20
# Where training rows come twice by chance, as rows of a few categories do, those of validation meet them as often.
TIMES_BY_CHANCE = 3


def shared_row_warnings(train: Split, validation: Split) -> Iterator[str]:
    """Compares features; what the target is does not matter."""
    if not len(train) or not len(validation) or feature_bytes(train) + feature_bytes(validation) > MAX_BYTES:
        return
    known = np.unique(_hashes(train))
    by_chance = TIMES_BY_CHANCE * (1 - len(known) / len(train))
    shared = int(np.isin(_hashes(validation), known).sum())
    if shared > by_chance * len(validation):
        yield (
            f"{shared:,} of {len(validation):,} validation rows have the features of a training row: "
            "remove them, for they measure memory"
        )


def _hashes(split: Split) -> Array:
    return np.concatenate([row_hashes(part) for part in in_parts(split)])
