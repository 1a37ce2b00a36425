"""Window: how much of streamed rows is in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MEMORY = 4 << 30
"""Of `data.memory`. Not what the machine has: that must not change results."""

_CHUNK_BYTES = 1 << 20
_WINDOW_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True)
class Window:
    """Rows lie in chunks that are read whole; those of one window are shuffled together.

    A function of `data.memory` and the size of a row, for the order of an epoch depends on it.
    """

    chunk_rows: int
    chunks: int
    block_bytes: int
    """What a call of a compiled function is given at most."""

    @classmethod
    def of(cls, memory: int, row_bytes: int) -> Window:
        """Two windows and four blocks (one trained on, its copy in TensorFlow, two ahead) take 3/8 of `memory`; the
        rest is for what the C library and TensorFlow hold beside them."""
        chunk_rows = max(1, min(_CHUNK_BYTES, memory // 64) // row_bytes)
        return cls(
            chunk_rows=chunk_rows,
            chunks=max(1, min(_WINDOW_BYTES, memory // 8) // (chunk_rows * row_bytes)),
            block_bytes=memory // 32,
        )
