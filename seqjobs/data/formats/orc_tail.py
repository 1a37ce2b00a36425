"""OrcTail: what the end of an ORC file says of its rows and columns, which Arrow does not tell.

https://orc.apache.org/specification/ORCv1/; the wire format is https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

_FOOTER = 2
_STRIPES, _TYPES, _ROWS, _STATISTICS = 3, 4, 6, 7
_STRIPE_ROWS = 5
_SUBTYPES = 2
_NUM_VALUES, _TEXTS, _TEXT_BYTES = 1, 4, 3
_NUMBER_BYTES = 8

Field = int | bytes


@dataclass(frozen=True, kw_only=True)
class OrcTail:
    """Numbers of rows and bytes, as they are claimed."""

    rows: int
    stripe_rows: tuple[int, ...]
    column_bytes: tuple[int, ...]
    """Of each column of the schema, in all rows: its numbers at 64 bits, as they are decoded, or its texts; of a column
    of lists, what is in the lists."""

    @classmethod
    def decode(cls, tail: bytes) -> Self:
        """Raises ValueError or IndexError for what is no tail."""
        footer = _fields(_message(_fields(tail), _FOOTER))
        below = [_subtypes(_fields(_bytes(value))) for key, value in footer if key == _TYPES]
        sizes = [_size(_fields(_bytes(value))) for key, value in footer if key == _STATISTICS]
        sizes += [0] * (len(below) - len(sizes))
        stripes = [_fields(_bytes(value)) for key, value in footer if key == _STRIPES]
        return cls(
            rows=_number(footer, _ROWS),
            stripe_rows=tuple(_number(stripe, _STRIPE_ROWS) for stripe in stripes),
            column_bytes=tuple(max(sizes[part] for part in (top, *below[top])) for top in below[0]),
        )

    def largest_stripe(self, columns: Sequence[int]) -> int:
        """The bytes of some columns in the stripe with most rows, if all rows are alike."""
        size = sum(self.column_bytes[column] for column in columns)
        return max(size, self.rows * len(columns)) * max(self.stripe_rows, default=0) // max(1, self.rows)


def _size(statistics: Sequence[tuple[int, Field]]) -> int:
    texts = _number(_fields(_message(statistics, _TEXTS)), _TEXT_BYTES)
    return _number(statistics, _NUM_VALUES) * _NUMBER_BYTES + (texts >> 1)  # a signed number, in zigzag


def _subtypes(fields: Sequence[tuple[int, Field]]) -> list[int]:
    found: list[int] = []
    for key, value in fields:
        if key == _SUBTYPES:
            found += [value] if isinstance(value, int) else _packed(value)
    return found


def _message(fields: Sequence[tuple[int, Field]], number: int) -> bytes:
    return next((_bytes(value) for key, value in fields if key == number), b"")


def _number(fields: Sequence[tuple[int, Field]], number: int) -> int:
    return next((value for key, value in fields if key == number and isinstance(value, int)), 0)


def _bytes(value: Field) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where a message was expected")
    return value


def _fields(content: bytes) -> list[tuple[int, Field]]:
    """The fields of a message with their numbers; those of fixed width are passed over."""
    found: list[tuple[int, Field]] = []
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        kind = key & 7
        if kind == 0:
            number, place = _varint(content, place)
            found.append((key >> 3, number))
        elif kind == 2:
            length, place = _varint(content, place)
            found.append((key >> 3, content[place : place + length]))
            place += length
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            raise ValueError(f"fields of kind {kind} are not in use")
    return found


def _packed(content: bytes) -> list[int]:
    found, place = [], 0
    while place < len(content):
        number, place = _varint(content, place)
        found.append(number)
    return found


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
