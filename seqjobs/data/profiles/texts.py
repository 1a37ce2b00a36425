"""TextProfile: how long the strings of a column are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from seqjobs.operations.tokens import Tokens

MAX_LOOKED_AT = 20_000


@dataclass(frozen=True, kw_only=True)
class TextProfile:
    """In words, as the operation `tokens` cuts them."""

    mean_words: float
    most_words: int
    """The 95th percentile."""
    distinct_words: int
    longest_bytes: int


def profile_texts(column: pa.Array) -> TextProfile | None:
    """None where no row has a text."""
    texts = column[:: max(1, len(column) // MAX_LOOKED_AT)].drop_null().to_pylist()
    if not texts:
        return None
    splitter, words = Tokens(length=1), set()
    counts = []
    for text in texts:
        found = splitter.split(text)
        counts.append(len(found))
        words.update(found)
    return TextProfile(
        mean_words=float(np.mean(counts)),
        most_words=int(np.ceil(np.percentile(counts, 95))),
        distinct_words=len(words),
        longest_bytes=max(len(text.encode()) for text in texts),
    )
