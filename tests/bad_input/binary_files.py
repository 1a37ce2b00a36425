"""Arrow IPC and ORC files that are wrong inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import feather, orc

Make = Callable[[Path], object]

TABLE = pa.table({"label": [0, 1, 2] * 10, "x": [[float(row)] for row in range(30)]})


def _arrow(change: Callable[[bytes], bytes], name: str = "train.feather", **options: Any) -> Make:
    """A right file of the other binary formats, with changed bytes."""

    def make(folder: Path) -> None:
        path = folder / name
        if path.suffix == ".orc":
            orc.write_table(TABLE, path, compression="uncompressed")
        else:
            feather.write_feather(TABLE, path, **options)
        path.write_bytes(change(path.read_bytes()))

    return make


def _stream(_: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("x", pa.float32())])):
        pass
    return bytes(sink.getvalue())


def _offset_beyond(content: bytes) -> bytes:
    offsets = np.arange(31, dtype=np.int32).tobytes()
    assert content.count(offsets) == 1
    return content.replace(offsets, offsets[:-4] + np.int32(2**30).tobytes())


def _rows_of_the_stripe(content: bytes) -> bytes:
    """As `numberOfRows` of StripeInformation, the fifth field, is written in ORC's footer."""
    before, right, after = content.rpartition(b"\x28\x1e")
    assert right
    return before + b"\x28\x7f" + after


def _rows_of_the_file(content: bytes) -> bytes:
    """The same in the whole footer, where it is the sixth field."""
    before, right, after = _rows_of_the_stripe(content).rpartition(b"\x30\x1e")
    assert right
    return before + b"\x30\x7f" + after


NO_IPC, NO_ORC = "not a whole Arrow IPC (Feather version 2) file", "not a whole ORC file"
BINARY_FILES = (
    ("e411_offset_beyond_the_data", "feather", NO_IPC, _arrow(_offset_beyond, compression="uncompressed")),
    ("e411_stream", "feather", NO_IPC, _arrow(_stream)),
    ("e411_feather_version_1", "feather", NO_IPC, _arrow(lambda _: b"FEA1" + bytes(99) + b"FEA1")),
    ("e411_stripe_of_more_rows", "orc", NO_ORC, _arrow(_rows_of_the_stripe, "train.orc")),
    ("e411_more_rows_than_values", "orc", NO_ORC, _arrow(_rows_of_the_file, "train.orc")),
)
"""Names, endings, a part of what is told, and what makes them."""
