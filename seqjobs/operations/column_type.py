"""ColumnType: what a column holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["bool", "integer", "float", "string", "time", "bytes"]


@dataclass(frozen=True, kw_only=True)
class ColumnType:
    """The values of a column: their kind, and how many a row has. Columns of two files agree if these are equal."""

    kind: Kind
    dtype: str
    """NumPy's name, for example uint8; "str" for strings, and Arrow's name for times and bytes."""
    shape: tuple[int, ...] | None
    """() for a scalar, None for a list whose length only its rows tell."""

    @property
    def width(self) -> int:
        """Numbers in a row; the shape must be known."""
        assert self.shape is not None
        return math.prod(self.shape)

    @property
    def is_number(self) -> bool:
        return self.kind in ("bool", "integer", "float")

    @property
    def zone(self) -> str | None:
        """The time zone of times that have one: its clock tells their parts."""
        return self.dtype.partition("tz=")[2].removesuffix("]") or None if self.kind == "time" else None

    def __str__(self) -> str:
        if self.shape is None:
            return f"lists of {self.dtype}"
        return self.dtype if not self.shape else f"{'x'.join(map(str, self.shape))} {self.dtype}"


NUMBER = ColumnType(kind="float", dtype="float32", shape=())
INDEX = ColumnType(kind="integer", dtype="int32", shape=())
