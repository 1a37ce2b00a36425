"""ColumnProfile: what some rows show about a column, in figures."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image as Pillow

from seqjobs.data.columns import stored_type
from seqjobs.data.dataset import Array
from seqjobs.errors import DataError
from seqjobs.operations.column_type import ColumnType
from seqjobs.operations.image import FORMATS
from seqjobs.operations.times import part_of, times_of
from seqjobs.operations.tokens import Tokens

MAX_FREQUENT = 5
MAX_TEXTS = 20_000
# The size of a picture stands in its header, but hundreds of sizes show as much as thousands.
MAX_PICTURES = 500
# `20240331` is a number and `2024` a year to most people who write them; a date has dashes.
_SHORTEST_DATE = len("2024-03-31")


@dataclass(frozen=True, kw_only=True)
class NumberProfile:
    """All finite numbers of a column, those in lists included."""

    least: float
    mean: float
    deviation: float
    largest: float
    skew: float
    """The third standardized moment: 0 if values lie evenly around their mean, 2 for an exponential distribution."""
    rises: bool
    """Whether each row has a larger number than the row before."""


@dataclass(frozen=True, kw_only=True)
class TextProfile:
    """Strings, in words as the operation `tokens` cuts them."""

    mean_words: float
    most_words: int
    """The 95th percentile."""
    distinct_words: int
    longest_bytes: int


@dataclass(frozen=True, kw_only=True)
class TimeProfile:
    """Timestamps, dates, or strings that are all dates."""

    days: float
    """From the first to the last."""
    varying: tuple[str, ...]
    """Of weekday, hour and minute, those that differ between rows."""
    first: str
    last: str
    """Days, such as 2024-03-31."""


@dataclass(frozen=True, kw_only=True)
class PictureProfile:
    """PNG and JPEG files in a column of bytes."""

    height: int
    width: int
    """Medians, in pixels."""
    one_size: bool
    channels: int
    """1 if all pictures are grey, else 3."""


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """Figures of a column; those that only some kinds of columns have are None for the others."""

    name: str
    type: ColumnType | None
    """None for a column that cannot be read."""
    stored: str
    """Arrow's name for the type."""
    rows: int
    nulls: int
    """Rows without a value, or with a list that lacks one."""
    not_finite: int = 0
    """Rows with infinities."""
    distinct: int | None = None
    """For scalars and strings."""
    frequent: tuple[tuple[str, int], ...] = ()
    """The most frequent values of strings and whole numbers, each with its number of rows."""
    lengths: tuple[int, int, int] | None = None
    """For lists: the least, the 95th percentile, the largest."""
    numbers: NumberProfile | None = None
    text: TextProfile | None = None
    times: TimeProfile | None = None
    pictures: PictureProfile | None = None

    @property
    def kind(self) -> str:
        return "unknown" if self.type is None else self.type.kind

    @property
    def is_list(self) -> bool:
        return self.type is not None and self.type.shape != ()

    @property
    def width(self) -> int | None:
        """Numbers in a row; None if rows differ, or hold none."""
        if self.type is None or not self.type.is_number:
            return None
        if self.type.shape is not None:
            return self.type.width
        low, _, high = self.lengths or (0, 0, 1)
        return high if low == high else None


def profile_column(field: pa.Field, column: pa.ChunkedArray) -> ColumnProfile:
    """Return the profile of a column that has at least one row."""
    try:
        kind: ColumnType | None = stored_type(field)
    except DataError:
        kind = None
    plain = _plain(column)
    facts: dict[str, Any] = {"name": field.name, "type": kind, "stored": str(field.type), "rows": len(plain)}
    if kind is not None and kind.is_number:
        return ColumnProfile(**facts, **_number_figures(plain, is_list=kind.shape != ()))
    facts["nulls"] = plain.null_count
    if kind is None:
        return ColumnProfile(**facts)
    if kind.kind == "bytes":
        return ColumnProfile(**facts, pictures=_profile_pictures(plain))
    distinct, frequent = _count_values(plain)
    text = _profile_texts(plain) if kind.kind == "string" else None
    return ColumnProfile(**facts, distinct=distinct, frequent=frequent, text=text, times=_profile_times(plain))


def _number_figures(column: pa.Array, *, is_list: bool) -> dict[str, Any]:
    flat, lengths, rows = _flatten(column) if is_list else (column, None, np.arange(len(column)))
    values = np.asarray(flat.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    finite = values[np.isfinite(values)]
    is_whole = bool(len(finite)) and bool((finite == np.floor(finite)).all())
    distinct, frequent = (None, ()) if is_list else _count_values(flat)
    return {
        # A null number is NaN here, but a null list has no number.
        "nulls": len(np.unique(rows[np.isnan(values)])) + (column.null_count if is_list else 0),
        "not_finite": len(np.unique(rows[np.isinf(values)])),
        "distinct": distinct,
        "frequent": frequent if is_whole else (),
        "lengths": lengths,
        "numbers": _profile_numbers(finite, is_scalar=not is_list) if len(finite) else None,
    }


def _profile_numbers(values: Array, *, is_scalar: bool) -> NumberProfile:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(values.mean()), float(values.std())
    # A deviation beyond float64's range has no meaningful skew.
    skew = float((((values - mean) / deviation) ** 3).mean()) if 0 < deviation < np.inf else 0.0
    return NumberProfile(
        least=float(values.min()),
        mean=mean,
        deviation=deviation,
        largest=float(values.max()),
        skew=skew,
        rises=is_scalar and len(values) > 1 and bool((np.diff(values) > 0).all()),
    )


def _flatten(column: pa.Array) -> tuple[pa.Array, tuple[int, int, int] | None, Array]:
    """Return the numbers of all lists, the lengths of the lists, and the row of each number."""
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0), np.int64)
    is_null = np.asarray(column.is_null())
    there = lengths[~is_null]
    if not len(there):
        return column.flatten(), None, np.zeros(0, np.int64)
    spread = int(there.min()), int(np.ceil(np.percentile(there, 95))), int(there.max())
    # Null lists of a fixed length take up room, which `flatten` leaves out.
    return column.flatten(), spread, np.repeat(np.arange(len(column)), np.where(is_null, 0, lengths))


def _count_values(column: pa.Array) -> tuple[int, tuple[tuple[str, int], ...]]:
    counts = pc.value_counts(column.drop_null())
    pairs = sorted(
        zip(counts.field(1).to_pylist(), counts.field(0).to_pylist(), strict=True), key=lambda pair: -pair[0]
    )
    return len(pairs), tuple((str(value), count) for count, value in pairs[:MAX_FREQUENT])


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Return the column in one piece, without dictionaries and extensions."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks])
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else joined.chunk(0)


def _profile_texts(column: pa.Array) -> TextProfile | None:
    texts = column[:: max(1, len(column) // MAX_TEXTS)].drop_null().to_pylist()
    if not texts:
        return None
    tokens = Tokens(length=1)
    words = [tokens.split(text) for text in texts]
    counts = [len(found) for found in words]
    return TextProfile(
        mean_words=float(np.mean(counts)),
        most_words=int(np.ceil(np.percentile(counts, 95))),
        distinct_words=len(set().union(*words)),
        longest_bytes=max(len(text.encode()) for text in texts),
    )


def _profile_times(column: pa.Array) -> TimeProfile | None:
    there = column.drop_null()
    is_string = pa.types.is_string(there.type)
    if not len(there) or not (is_string or pa.types.is_timestamp(there.type) or pa.types.is_date(there.type)):
        return None
    if is_string and not all(map(_is_date, there.unique().to_pylist())):
        return None
    times = times_of(there, lambda _wrong, _rows: None)  # rows without a time were left out above
    days = part_of(times, "days")
    varying = tuple(part for part in ("weekday", "hour", "minute") if np.ptp(part_of(times, part)) > 0)
    first, last = (str(np.datetime64(int(np.floor(day)), "D")) for day in (days.min(), days.max()))
    return TimeProfile(days=float(np.ptp(days)), varying=varying, first=first, last=last)


def _is_date(text: str) -> bool:
    stripped = text.strip()
    if len(stripped) < _SHORTEST_DATE or stripped[4] != "-":
        return False
    try:
        datetime.fromisoformat(stripped)
    except ValueError:
        return False
    return True


def _profile_pictures(column: pa.Array) -> PictureProfile | None:
    """Return None if some row has bytes that are not a picture."""
    sizes = []
    for content in column[:: max(1, len(column) // MAX_PICTURES)].drop_null().to_pylist():
        try:
            with Pillow.open(io.BytesIO(content), formats=FORMATS) as picture:
                sizes.append((*picture.size, picture.mode in ("1", "L", "I", "I;16")))
        except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
            return None
    if not sizes:
        return None
    return PictureProfile(
        height=int(np.median([height for _, height, _ in sizes])),
        width=int(np.median([width for width, _, _ in sizes])),
        one_size=len({size[:2] for size in sizes}) == 1,
        channels=1 if all(is_grey for _, _, is_grey in sizes) else 3,
    )
