"""`python -m tests.bad_input.fuzz_data --seed S --mutations N`: no Parquet file does more than be read or refused.

Each mutation changes numbers, texts and lists of a right file's footer or page headers, or bytes anywhere. It gives a
dataset or a DataError. A crash of Arrow ends the process; the number of the mutation at work was printed before.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError
from seqjobs.planning.plan import DataSource
from seqjobs.spec.data_section import DataSpec
from tests.bad_input.bad_data import FLOATS, LABEL, write
from tests.bad_input.parquet_bytes import change_footer, change_page
from tests.bad_input.thrift import BINARY, I16, I32, I64, Claim, Items, Struct

MEMORY_BYTES = 4 << 30
NUMBERS = (-1, 0, 1, 2, 7, 29, 31, 99, 1000, 2**16, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
COLUMNS = {
    "label": LABEL,
    "x": FLOATS,
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
SPECS = (
    {"features": ["x", "pixels"], "target": "word"},
    {"features": ["lists", "x"], "target": "label"},
)


def main() -> int:
    """The number of findings, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutations", type=int, default=100_000)
    parser.add_argument("--begin", type=int, default=0, help="the first mutation")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    codes: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.begin, arguments.mutations):
            print(f"\r{number}", end="", file=sys.stderr, flush=True)
            try:
                codes[_outcome(random.Random(f"{arguments.seed} {number}"), Path(folder))] += 1
            except Exception:
                traceback.print_exc()
                return 1
    speed = (arguments.mutations - arguments.begin) / (time.monotonic() - began)
    print(f"{arguments.mutations:,} mutations, {speed:,.0f} a second: {sorted(codes.items())}")
    return 0


def _outcome(source: random.Random, folder: Path) -> str:
    path = write(folder, COLUMNS, **source.choice(OPTIONS))
    for _ in range(source.randint(1, 2)):
        _mutate(path, source)
    spec = DataSpec.model_validate({"train": "train.parquet", **source.choice(SPECS)})
    try:
        read_dataset(DataSource(id="0", spec=spec, folder=folder))
    except DataError as refused:
        if not (refused.where and refused.fix and str(refused).isprintable()):
            raise AssertionError("an error without a place, a fix, or fit for a terminal") from refused
        return refused.code
    return "read"


def _mutate(path: Path, source: random.Random) -> None:
    try:
        if source.random() < 0.6:
            change_footer(path, lambda footer: _change(footer, source))
        else:
            change_page(path, len(COLUMNS) - 1, lambda header: _change(header, source))
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ):  # an earlier change left no footer
        content = bytearray(path.read_bytes())
        for _ in range(3):
            content[source.randrange(len(content))] = source.randrange(256)
        path.write_bytes(content)


def _change(top: Struct, source: random.Random) -> None:
    holder, key = source.choice(list(_places(top)))
    if isinstance(holder, Items):
        if source.random() < 0.5:
            holder.claimed = source.choice((0, 1, 14, 15, 10_000, 2**31 - 1))
        else:
            holder.values[key:key] = [holder.values[key]] * source.choice((1, 1, 50))
        return
    kind, value = holder[key]
    if source.random() < 0.15:
        del holder[key]
    elif kind in (I16, I32, I64):
        holder[key] = (kind, source.choice((*NUMBERS, value + 1, value - 1, value * 2)))
    elif kind == BINARY:
        wrong = (
            Claim(content=value, length=source.choice((0, 1, 10_000, 2**31 - 1))) if isinstance(value, bytes) else value
        )
        holder[key] = (kind, source.choice((b"", b"\xff\0\x1b", b"x", wrong)))
    else:
        holder[key] = (I32, 7)


def _places(value: Any) -> Iterator[tuple[Any, int]]:
    """Every field of every struct, and every item of every list."""
    fields = value.values if isinstance(value, Items) else [part for _, part in value.values()]
    yield from ((value, key) for key in (range(len(fields)) if isinstance(value, Items) else value))
    for part in fields:
        if isinstance(part, Struct | Items):
            yield from _places(part)


if __name__ == "__main__":
    sys.exit(main())
