"""JsonShape: how deep and how wide the objects of a JSON text are, told before a parser follows them."""

from __future__ import annotations

import re
from typing import Any, final

import numpy as np
import numpy.typing as npt

from seqjobs.data.source_file import SourceFile
from seqjobs.errors import DataError

MAX_DEPTH = 100
"""Arrow makes a type of the levels, and follows it by calls within calls: at some ten thousand the stack ends, and with
it the process."""
MAX_KEYS = 100_000
"""Of one object, at any depth. Arrow takes 3 KB for one, however little is in it."""

_OTHERS = bytes(set(range(256)) - set(b'[]{}":'))
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STEPS = np.zeros(256, np.int32)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
_QUOTE, _COLON = b'":'


@final
class JsonShape:
    """Counts what stands outside of strings, from block to block."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._depth = 0
        self._keys = 0
        self._in_string = False
        self._is_escaped = False

    def look(self, block: bytes) -> None:
        """Raises DataError (E413)."""
        marks = np.frombuffer(self._without_escapes(block).translate(None, _OTHERS), np.uint8)
        if not len(marks):
            return
        in_string = np.logical_xor.accumulate(marks == _QUOTE) ^ self._in_string
        outside = marks[~in_string]
        self._in_string = bool(in_string[-1])
        if len(outside):
            self._look_outside(outside)

    def _look_outside(self, marks: npt.NDArray[Any]) -> None:
        depths = np.cumsum(_STEPS[marks], dtype=np.int32) + self._depth
        keys = np.cumsum(marks == _COLON, dtype=np.int32) + self._keys
        before = np.maximum.accumulate(np.where(depths == 0, keys, 0))
        self._depth, self._keys = max(0, int(depths[-1])), int(keys[-1] - before[-1])
        if depths.max() > MAX_DEPTH:
            raise self._refused(f"its values are nested deeper than {MAX_DEPTH} levels")
        if (keys - before).max() > MAX_KEYS:
            raise self._refused(f"an object has more than {MAX_KEYS:,} keys")

    def _refused(self, what: str) -> DataError:
        return DataError("E413", what, where=self._source.where, fix="store numbers, or lists of numbers.")

    def _without_escapes(self, block: bytes) -> bytes:
        if self._is_escaped:
            block, self._is_escaped = block[1:], not block
        if b"\\" not in block:
            return block
        block = _ESCAPE.sub(b"", block)
        self._is_escaped = block.endswith(b"\\")  # what it escapes begins the next block
        return block
