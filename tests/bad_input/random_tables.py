"""Hypothesis strategies for tables with columns of all of Arrow's types, and for what a spec does with them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
from hypothesis import strategies as st
from PIL import Image

MAX_ROWS = 12
TEXTS = (
    *("", " ", *("a", "b") * 5, "A word, a word", "null", "nan", "1", "1.5", "true", "=1+1", "[UNK]", "x\0"),
    *(*("2024-03-31",) * 5, "2024-03-31T23:59:59+02:00", "0001-01-01"),
    *("\N{LATIN SMALL LETTER A WITH DIAERESIS}", "\N{GRINNING FACE}"),
)
FLOATS = (0.0, -0.0, 1.0, 2.0, -1.0, 0.5, 1e-300, 1e39, 1e300, -3.5e38, 2.0**53, 2.0**63)
NOT_FINITE = (float("nan"), float("inf"), float("-inf"))
MOMENTS = (datetime(1970, 1, 1), datetime(2024, 2, 29, 23, 59, 59), datetime(1969, 12, 31, 1), datetime(2262, 1, 1))
ZONES = (None, "UTC", "Europe/Rome", "+02:00")


def _picture(mode: str, size: tuple[int, int], form: str) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size).save(content, form)
    return content.getvalue()


PICTURES = (_picture("L", (2, 2), "PNG"), _picture("RGB", (2, 2), "PNG"), _picture("RGB", (3, 2), "JPEG"),
            _picture("RGBA", (2, 2), "PNG"), _picture("P", (2, 2), "PNG"), _picture("I;16", (2, 2), "PNG"))  # fmt: skip
BYTES = (b"", PICTURES[0][:40], *PICTURES * 3)

WHOLE = {
    kind: np.iinfo(kind.to_pandas_dtype())
    for kind in (
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    )
}
NUMBERS = (*WHOLE, pa.float16(), pa.float32(), pa.float64(), pa.bool_())
STRINGS = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()))
TIMES = (
    *(pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in ZONES),
    pa.date32(),
    pa.date64(),
)
OTHERS = (
    pa.null(),
    pa.timestamp("s", "Mars/Phobos"),
    pa.binary_view(),
    pa.binary(3),
    pa.decimal128(10, 2),
    pa.decimal256(40, 3),
    pa.time32("s"),
    pa.time64("us"),
    pa.duration("ms"),
    pa.month_day_nano_interval(),
    pa.dictionary(pa.int32(), pa.int64()),
    pa.dictionary(pa.int16(), pa.large_string()),
    pa.struct([("a", pa.int8())]),
    pa.map_(pa.string(), pa.int8()),
    pa.list_(pa.list_(pa.int8())),
    pa.list_view(pa.int8()),
    pa.list_(pa.int8(), 0),
    pa.run_end_encoded(pa.int32(), pa.int64()),
    pa.fixed_shape_tensor(pa.float32(), [2, 2]),
    pa.fixed_shape_tensor(pa.int8(), [1]),
)
PICTURED = (pa.binary(), pa.large_binary())
LISTS = tuple(
    made
    for item in (*NUMBERS, *NUMBERS, pa.string(), pa.timestamp("s"), pa.decimal128(10, 2))
    for made in (pa.list_(item), pa.large_list(item), pa.list_(item, 1), pa.list_(item, 3))
)
KINDS = st.one_of(*map(st.sampled_from, (*[NUMBERS] * 5, *[STRINGS] * 3, TIMES, TIMES, PICTURED, LISTS, LISTS, OTHERS)))


def values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Return the values of a type without nulls; few of them, so that rows have some in common."""
    if kind in WHOLE:
        limits = WHOLE[kind]
        edges = (limits.min, limits.max, limits.max - 1, 2**53, 2**53 + 1, 2**31, -(2**31) - 1, 255, 256)
        return st.one_of(
            *[st.integers(0, 3)] * 6, st.sampled_from([edge for edge in edges if limits.min <= edge <= limits.max])
        )
    if pa.types.is_floating(kind):
        wide = 65504.0 if kind == pa.float16() else 3.4e38 if kind == pa.float32() else float("inf")
        finite = st.sampled_from([value for value in FLOATS if abs(value) <= wide])
        return st.one_of(*[finite] * 20, st.sampled_from(NOT_FINITE))
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return values(kind.value_type)
    if pa.types.is_timestamp(kind):
        zone = UTC if kind.tz else None
        moments = (
            datetime(1970, 1, 1),
            datetime(2024, 2, 29, 23, 59, 59),
            datetime(1969, 12, 31, 1),
            datetime(2262, 1, 1),
        )
        early = () if kind.unit == "ns" else (datetime(1, 1, 1), datetime(9999, 12, 31))
        return st.sampled_from([moment.replace(tzinfo=zone) for moment in (*moments, *early)])
    if isinstance(kind, pa.FixedShapeTensorType):
        return values(kind.storage_type)
    if pa.types.is_fixed_size_list(kind):
        item = st.one_of(*[values(kind.value_type)] * 9, st.none())
        return st.lists(item, min_size=kind.list_size, max_size=kind.list_size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_list_view(kind):
        length = st.sampled_from((2, 2, 2, 2, 2, 2, 0, 1))
        item = st.one_of(*[values(kind.value_type)] * 9, st.none())
        return length.flatmap(lambda size: st.lists(item, min_size=size, max_size=size))
    return _SIMPLE[str(kind)] if str(kind) in _SIMPLE else st.sampled_from(TEXTS)


_SIMPLE: Mapping[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "null": st.none(),
    "binary": st.sampled_from(BYTES),
    "large_binary": st.sampled_from(BYTES),
    "binary_view": st.sampled_from(BYTES),
    "fixed_size_binary[3]": st.sampled_from((b"abc", b"\0\0\0")),
    "decimal128(10, 2)": st.sampled_from((Decimal("1.50"), Decimal("-3"))),
    "decimal256(40, 3)": st.sampled_from((Decimal("1.5"), Decimal("1e30"))),
    "date32[day]": st.sampled_from((date(1970, 1, 1), date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31))),
    "date64[ms]": st.sampled_from((date(1970, 1, 1), date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31))),
    "time32[s]": st.just(time(1, 2, 3)),
    "time64[us]": st.just(time(1, 2, 3)),
    "duration[ms]": st.just(timedelta(seconds=1)),
    "month_day_nano_interval": st.just((1, 2, 3)),
    "struct<a: int8>": st.just({"a": 1}),
    "map<string, int8>": st.just([("a", 1)]),
    "list<item: list<item: int8>>": st.just([[1]]),
    "list<element: list<element: int8>>": st.just([[1]]),
}


@st.composite
def columns(draw: st.DrawFn, kind: pa.DataType, rows: int) -> pa.Array:
    """A column of a type, with nulls in some; a dictionary may hold a null, and text bytes that are not UTF-8."""
    item = values(kind)
    has_nulls, is_constant = draw(st.integers(0, 9)) == 0, draw(st.integers(0, 5)) == 0
    found = [draw(item)] * rows if is_constant and rows else draw(st.lists(item, min_size=rows, max_size=rows))
    if has_nulls:
        found = [value if draw(st.integers(0, 2)) else None for value in found]
    if draw(st.integers(0, 30)) == 0 and kind == pa.string():
        return pa.array([b"\xe4\xff"] * rows, pa.binary()).view(pa.string())
    if isinstance(kind, pa.FixedShapeTensorType):
        return pa.ExtensionArray.from_storage(kind, pa.array(found, kind.storage_type))
    if pa.types.is_run_end_encoded(kind):
        return pa.RunEndEncodedArray.from_arrays([rows] if rows else [], pa.array(found[:1], kind.value_type), kind)
    if pa.types.is_dictionary(kind):
        texts = pa.array([*found, None], kind.value_type)
        indices = pa.array(range(rows), kind.index_type)
        made = pa.DictionaryArray.from_arrays(indices, texts)
        return made if draw(st.booleans()) else made.dictionary_decode().dictionary_encode().cast(kind)
    return pa.array(found, kind)


def write(table: pa.Table, folder: Path, name: str, suffixes: Sequence[str]) -> Path:
    """Write a table in the first of some formats that holds its types. Raises ValueError if none does."""
    for suffix in suffixes:
        path = folder / f"{name}.{suffix}"
        try:
            WRITERS[suffix](table, path)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            continue
        return path
    raise ValueError(suffixes)


Write = Callable[[pa.Table, Path], None]


def _write_parquet(table: pa.Table, path: Path) -> None:
    # Arrow ends the process when it writes them.
    if any(pa.types.is_fixed_size_list(kind) and not kind.list_size for kind in table.schema.types):
        raise ValueError("empty lists of a fixed length")
    pq.write_table(table, path, row_group_size=5)


def _write_json(table: pa.Table, path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()), encoding="utf-8")


WRITERS: Mapping[str, Write] = {
    "parquet": _write_parquet,
    "feather": lambda table, path: pyarrow.feather.write_feather(table, str(path), chunksize=4),
    "orc": lambda table, path: pyarrow.orc.write_table(table, str(path)),
    "csv": lambda table, path: pyarrow.csv.write_csv(table, str(path)),
    "jsonl": _write_json,
}
PARTS = ("year", "month", "day", "weekday", "day_of_year", "hour", "minute", "second", "days")
SMALL = st.integers(1, 4)
BOUND = st.sampled_from((-1.0, 0.0, 0.5, 2.0, 1e39))
OPERATIONS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(("standardize", "min_max", "log1p", "one_hot", "index")),
    st.fixed_dictionaries({"rescale": st.sampled_from((0.5, -1.0, 1e30, 1e300))}),
    st.fixed_dictionaries({"clip": st.fixed_dictionaries({}, optional={"low": BOUND, "high": BOUND})}),
    st.fixed_dictionaries({"min_max": st.fixed_dictionaries({"low": BOUND, "high": BOUND})}),
    st.fixed_dictionaries({"impute": st.sampled_from(("mean", "median", "most_frequent", 0, -1.5))}),
    st.fixed_dictionaries(
        {
            "impute": st.fixed_dictionaries(
                {"constant": st.sampled_from((0, 2.5, 1e300, "none", "2024-01-01", ""))},
                optional={"indicator": st.booleans()},
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "impute": st.fixed_dictionaries(
                {"strategy": st.sampled_from(("mean", "most_frequent")), "indicator": st.just(True)}
            )
        }
    ),
    *(
        st.fixed_dictionaries(
            {
                name: st.fixed_dictionaries(
                    {}, optional={"max": SMALL, "min_count": SMALL, "unseen": st.sampled_from(("other", "error"))}
                )
            }
        )
        for name in ("one_hot", "index")
    ),
    st.fixed_dictionaries({"hash": st.integers(2, 9)}),
    st.fixed_dictionaries({"bucketize": st.sampled_from(([0], [0.5, 1.5], {"quantiles": 3}))}),
    st.fixed_dictionaries({"cyclic": st.sampled_from(("hour", "month", "day_of_year", 24, 0.5))}),
    st.fixed_dictionaries({"date_parts": st.lists(st.sampled_from(PARTS), min_size=1, max_size=3)}),
    st.fixed_dictionaries(
        {"tokens": st.fixed_dictionaries({"length": SMALL}, optional={"min_count": SMALL, "lowercase": st.booleans()})}
    ),
    st.fixed_dictionaries(
        {
            "image": st.fixed_dictionaries(
                {"size": st.just([2, 2])}, optional={"channels": st.sampled_from((1, 3)), "resize": st.booleans()}
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "pad": st.fixed_dictionaries(
                {"length": SMALL}, optional={"value": BOUND, "keep": st.sampled_from(("start", "end"))}
            )
        }
    ),
    st.fixed_dictionaries({"shape": st.lists(st.integers(1, 3), min_size=1, max_size=2)}),
)
FITTING: Mapping[str, tuple[Any, ...]] = {
    "string": ("one_hot", "index", {"hash": 9}, {"tokens": 3}, {"date_parts": ["day"]}),
    "time": ({"cyclic": "hour"}, {"date_parts": ["days", "hour"]}),
    "binary": ({"image": [2, 2]}, {"image": {"size": [2, 2], "resize": True}}),
    "list": ({"pad": 3}, "standardize", "raw"),
    "number": ("raw", "standardize", "index", {"impute": "mean"}, {"bucketize": {"quantiles": 2}}),
}
"""What is likely to be right for a kind of column; otherwise most examples would end at the first operation."""


def _fitting(kind: pa.DataType) -> tuple[Any, ...]:
    name = str(kind)
    if "string" in name and "list" not in name:
        return FITTING["string"]
    if name.startswith(("timestamp", "date")):
        return FITTING["time"]
    if "binary" in name:
        return FITTING["binary"]
    return FITTING["list" if "list" in name else "number"]


@st.composite
def chains(draw: st.DrawFn, kind: pa.DataType) -> Any:
    """What a spec writes for a column."""
    first = draw(st.sampled_from(_fitting(kind)) if draw(st.integers(0, 5)) else OPERATIONS)
    if first == "raw":
        return first
    others = draw(st.lists(OPERATIONS, max_size=2)) if draw(st.integers(0, 2)) == 0 else []
    return [first, *others]


@dataclass(frozen=True, kw_only=True)
class Example:
    """Rows to train on, rows that come later, and the section `data` of the spec."""

    train: pa.Table
    new: pa.Table
    suffix: str
    new_suffix: str
    data: Mapping[str, Any]
    validation_split: float
    memory: int | None
    """Bytes that the rows may take; more are streamed from a file."""


LABELS = st.sampled_from((pa.int64(), pa.float32(), pa.string(), pa.bool_(), pa.list_(pa.float32(), 3)))


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """One or two feature columns, a target, now and then a column of weights."""
    rows, new_rows = draw(st.integers(0, MAX_ROWS * 2)), draw(st.integers(1, MAX_ROWS))
    kinds = {f"x{index}": draw(KINDS) for index in range(draw(st.integers(1, 2)))}
    kinds["label"] = draw(LABELS) if draw(st.integers(0, 14)) else draw(KINDS)
    data: dict[str, Any] = {"target": "label"}
    named = draw(st.integers(0, 19)) > 0
    features = {name: draw(chains(kind)) for name, kind in kinds.items() if name != "label"}
    if named:
        data["features"] = features
    if draw(st.integers(0, 5)) == 0:
        kinds["weight"], data["sample_weight"] = draw(st.sampled_from(NUMBERS[4:])), "weight"
    later = {name: kind if draw(st.integers(0, 2)) else draw(KINDS) for name, kind in kinds.items()}
    suffixes = st.sampled_from(tuple(WRITERS))
    suffix = draw(suffixes)
    return Example(
        train=pa.table({name: draw(columns(kind, rows)) for name, kind in kinds.items()}),
        new=pa.table({name: draw(columns(kind, new_rows)) for name, kind in later.items()}),
        suffix=suffix,
        new_suffix=suffix if draw(st.booleans()) else draw(suffixes),
        data=data,
        memory=draw(st.sampled_from((None, None, None, 20))),
        validation_split=draw(st.sampled_from((0.0, 0.0, 0.25))),
    )
