"""Thrift's compact protocol, as far as Parquet's footers and page headers use it, to write ones that lie.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 12
_WHOLE = (I16, I32, I64)


@dataclass(kw_only=True)
class Items:
    """A list: the type of its items, and its length as it is written, which may be another than it has."""

    kind: int
    values: list[Any]
    claimed: int | None = None


@dataclass(kw_only=True)
class Claim:
    """A string that is written with another length than it has."""

    content: bytes
    length: int


class Struct(dict[int, tuple[int, Any]]):
    """Fields by their number, each with its type."""

    def at(self, *path: int) -> Any:
        """The value that field numbers and places in lists lead to."""
        value: Any = self
        for part in path:
            value = value.values[part] if isinstance(value, Items) else value[part][1]
        return value

    def put(self, value: Any, *path: int) -> None:
        """Replaces the value of the last field of a path."""
        *above, field = path
        holder = self.at(*above)
        holder[field] = (holder[field][0], value)


class Reader:
    """Reads values from `place` on."""

    def __init__(self, content: bytes, place: int = 0) -> None:
        self._content = content
        self.place = place

    def struct(self) -> Struct:
        found, field = Struct(), 0
        while head := self._byte():
            kind, step = head & 15, head >> 4
            field = field + step if step else self._whole()
            found[field] = (kind, self._value(kind))
        return found

    def _byte(self) -> int:
        self.place += 1
        return self._content[self.place - 1]

    def _take(self, length: int) -> bytes:
        self.place += length
        return self._content[self.place - length : self.place]

    def _natural(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value, shift = value | (byte & 127) << shift, shift + 7
        return value | byte << shift

    def _whole(self) -> int:
        zigzag = self._natural()
        return zigzag >> 1 ^ -(zigzag & 1)

    def _value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in _WHOLE:
            return self._whole()
        if kind == BYTE:
            return self._byte()
        if kind == DOUBLE:
            return struct.unpack("<d", self._take(8))[0]
        if kind == BINARY:
            return self._take(self._natural())
        if kind == LIST:
            head = self._byte()
            length = head >> 4 if head >> 4 < 15 else self._natural()
            kind = head & 15
            values = [self._byte() == TRUE if kind in (TRUE, FALSE) else self._value(kind) for _ in range(length)]
            return Items(kind=kind, values=values)
        assert kind == STRUCT
        return self.struct()


def written(fields: Struct) -> bytes:
    """The bytes of a struct."""
    content, last = bytearray(), 0
    for field, (kind, value) in sorted(fields.items()):
        shown_kind = kind if kind not in (TRUE, FALSE) else TRUE if value else FALSE
        step = field - last
        content += bytes([step << 4 | shown_kind]) if 0 < step < 16 else bytes([shown_kind]) + _whole(field)
        content += b"" if kind in (TRUE, FALSE) else _written(kind, value)
        last = field
    return bytes(content) + b"\0"


def _natural(value: int) -> bytes:
    content = bytearray()
    while value > 127:
        content.append(value & 127 | 128)
        value >>= 7
    return bytes([*content, value])


def _whole(value: int) -> bytes:
    return _natural(value << 1 if value >= 0 else (-value << 1) - 1)


def _written(kind: int, value: Any) -> bytes:
    if kind in _WHOLE:
        return _whole(value)
    if kind == BYTE:
        return bytes([value])
    if kind == DOUBLE:
        return struct.pack("<d", value)
    if kind == BINARY:
        claim = value if isinstance(value, Claim) else Claim(content=value, length=len(value))
        return _natural(claim.length) + claim.content
    if kind == LIST:
        length = len(value.values) if value.claimed is None else value.claimed
        head = bytes([length << 4 | value.kind]) if length < 15 else bytes([240 | value.kind]) + _natural(length)
        flags = value.kind in (TRUE, FALSE)
        return head + b"".join(
            bytes([TRUE if v else FALSE]) if flags else _written(value.kind, v) for v in value.values
        )
    return written(value)
