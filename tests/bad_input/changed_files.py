"""A Hypothesis strategy for Parquet files with wrong bytes, most of them in the footer and in page headers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from seqjobs.jobspec.data_section import DataSpec

COLUMNS = {
    "label": [0, 1, 2] * 10,
    "x": np.arange(30, dtype=np.float32),
    "word": ["a", "b", "c"] * 10,
    "pixels": pa.array([[1, 2]] * 30, pa.list_(pa.uint8(), 2)),
    "lists": [[1.0, 2.0]] * 30,
}
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"compression": "zstd", "write_page_checksum": True},
    {"use_dictionary": False, "compression": "none", "row_group_size": 7},
    {"data_page_version": "2.0", "compression": "gzip"},
)
DATA_SPECS = tuple(
    DataSpec.model_validate({"train": "train.parquet", **columns})
    for columns in (
        {"features": ["x", "pixels"], "target": "word"},
        {"features": ["lists", "x"], "target": "label"},
    )
)


def _right_file(options: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(COLUMNS), sink, **options)
    return bytes(sink.getvalue())


RIGHT_FILES = tuple(map(_right_file, OPTIONS))
MAGIC = b"PAR1"
# Numbers as Thrift writes them, seven bits a byte: -1, 0, small ones, and the ends of 32 and 64 bits.
# https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
NUMBERS = (
    *(b"\x00", b"\x01", b"\x02", b"\x0e", b"\x3e", b"\x7f", b"\xd0\x0f", b"\x80\x80\x08"),
    *(b"\xfe\xff\xff\xff\x0f", b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x10", b"\x80\x80\x80\x80\x80\x40"),
    *(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x80" * 11),
)


def _values(content: bytes) -> list[int]:
    """Return the places that follow a field's head as Thrift writes it: the step to its number, then its type.

    Types 5 and 6 are whole numbers, 8 is a text, which begins with its length, and 9 a list, which begins with both.
    """
    return [at + 1 for at, byte in enumerate(content[:-1]) if byte >> 4 and byte & 15 in (5, 6, 8, 9)]


@st.composite
def changed_files(draw: st.DrawFn) -> bytes:
    """A right file with one or two changes. The length of its footer is right; now and then the file is cut."""
    content = draw(st.sampled_from(RIGHT_FILES))
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    body, footer = content[:start], content[start:-8]
    for _ in range(draw(st.integers(1, 2))):
        if draw(st.integers(0, 3)):
            footer = _changed(draw, footer, same_length=False)
        else:
            body = _changed(draw, body, same_length=True)
    whole = body + footer + len(footer).to_bytes(4, "little") + MAGIC
    return whole if draw(st.integers(0, 20)) else whole[: draw(st.integers(0, len(whole)))]


def _changed(draw: st.DrawFn, content: bytes, *, same_length: bool) -> bytes:
    """Replace a number by another one, or a few bytes anywhere by others."""
    values = _values(content)
    if values and draw(st.integers(0, 4)) > 0:
        at = draw(st.sampled_from(values))
        end = next((place + 1 for place in range(at, len(content)) if content[place] < 128), at)
        pieces = st.sampled_from(NUMBERS)
    else:
        at = draw(st.integers(0, len(content)))
        end = min(at + draw(st.integers(0, 10)), len(content))
        taken = content[at:end]
        pieces = st.sampled_from((b"", taken * 2, taken * 50)) | st.binary(max_size=3)
    if same_length:
        pieces = st.binary(min_size=end - at, max_size=end - at)
    return content[:at] + draw(pieces) + content[end:]
