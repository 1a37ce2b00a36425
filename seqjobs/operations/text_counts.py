"""TextCounts: how many rows have each text, and about how much memory that takes."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar, final

Text = TypeVar("Text", str, bytes)

BYTES_OF_A_COUNT = 160
"""What Python takes for an entry of a Counter, without the characters of a text."""
_GROWTH = 1.25


@final
class TextCounts(Counter[Text]):
    """A Counter that measures its texts again once it has grown, because measuring looks at all of them."""

    _measured = 0
    _mean_length = 0.0

    @property
    def num_bytes(self) -> int:
        """About how many bytes the texts and their counts take."""
        if len(self) > self._measured * _GROWTH:
            self._measured = len(self)
            self._mean_length = sum(map(len, self)) / len(self)
        return int(len(self) * (BYTES_OF_A_COUNT + self._mean_length))
