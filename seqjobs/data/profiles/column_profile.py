"""ColumnProfile: a column in figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqjobs.data.columns import stored_type
from seqjobs.data.dataset import Array
from seqjobs.data.profiles.pictures import PictureProfile, profile_pictures
from seqjobs.data.profiles.texts import TextProfile, profile_texts
from seqjobs.data.profiles.times import TimeProfile, profile_times
from seqjobs.errors import DataError
from seqjobs.operations.column_type import ColumnType

MAX_FREQUENT = 5


@dataclass(frozen=True, kw_only=True)
class NumberProfile:
    """Of all finite numbers of a column, those in lists included."""

    least: float
    mean: float
    deviation: float
    largest: float
    skew: float
    """The third standardized moment: 0 where values lie evenly around their mean, 2 of an exponential distribution."""
    rises: bool
    """Whether each row has a larger one than the row before."""


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What some rows say of a column; what is only known of some kinds is None for the others."""

    name: str
    type: ColumnType | None
    """None of a column that cannot be read."""
    stored: str
    """Its type as Arrow calls it."""
    rows: int
    nulls: int
    """Rows without a value, or where one of a list is missing."""
    not_finite: int
    """Rows with infinities."""
    distinct: int | None
    """Of scalars and strings."""
    frequent: tuple[tuple[str, int], ...] = ()
    """The most frequent values of strings and of whole numbers, with their rows."""
    lengths: tuple[int, int, int] | None = None
    """Of lists: the least, the 95th percentile, the largest."""
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
        """Numbers in a row; None where rows differ, or hold none."""
        if self.type is None or not self.type.is_number:
            return None
        if self.type.shape is not None:
            return self.type.width
        low, _, high = self.lengths or (0, 0, 1)
        return high if low == high else None


def profile_column(field: pa.Field, column: pa.ChunkedArray) -> ColumnProfile:
    """The profile of a column with at least one row."""
    try:
        found: ColumnType | None = stored_type(field)
    except DataError:
        found = None
    plain = _plain(column)
    facts = {"name": field.name, "type": found, "stored": str(field.type), "rows": len(plain)}
    if found is None:
        return ColumnProfile(**facts, nulls=plain.null_count, not_finite=0, distinct=None)
    if found.is_number:
        return _of_numbers(facts, plain, is_list=found.shape != ())
    if found.kind == "bytes":
        return ColumnProfile(
            **facts, nulls=plain.null_count, not_finite=0, distinct=None, pictures=profile_pictures(plain)
        )
    distinct, frequent = _counted(plain)
    text = profile_texts(plain) if found.kind == "string" else None
    return ColumnProfile(
        **facts,
        nulls=plain.null_count,
        not_finite=0,
        distinct=distinct,
        frequent=frequent,
        text=text,
        times=profile_times(plain),
    )


def _of_numbers(facts: dict[str, object], column: pa.Array, *, is_list: bool) -> ColumnProfile:
    flat, lengths, rows = (column, None, None) if not is_list else _flat(column)
    values = np.asarray(flat.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    missing, infinite = np.isnan(values), np.isinf(values)
    if rows is not None:
        nulls = column.null_count + len(np.unique(rows[missing]))
        not_finite = len(np.unique(rows[infinite]))
    else:
        nulls, not_finite = int(missing.sum()), int(infinite.sum())
    finite = values[np.isfinite(values)]
    whole = bool(len(finite)) and bool((finite == np.floor(finite)).all())
    distinct, frequent = (None, ()) if is_list else _counted(flat)
    return ColumnProfile(
        **facts,  # type: ignore[arg-type]
        nulls=nulls,
        not_finite=not_finite,
        distinct=distinct,
        frequent=frequent if whole else (),
        lengths=lengths,
        numbers=_number_profile(finite, alone=not is_list) if len(finite) else None,
    )


def _number_profile(values: Array, *, alone: bool) -> NumberProfile:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(values.mean()), float(values.std())
    # A deviation beyond float64's range has no skew that means anything.
    skew = float((((values - mean) / deviation) ** 3).mean()) if 0 < deviation < np.inf else 0.0
    return NumberProfile(
        least=float(values.min()),
        mean=mean,
        deviation=deviation,
        largest=float(values.max()),
        skew=skew,
        rises=alone and len(values) > 1 and bool((np.diff(values) > 0).all()),
    )


def _flat(column: pa.Array) -> tuple[pa.Array, tuple[int, int, int] | None, Array]:
    """The numbers of all lists, the lengths of these, and the row of each number."""
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0), np.int64)
    there = lengths[~np.asarray(column.is_null())]
    if not len(there):
        return column.flatten(), None, np.zeros(0, np.int64)
    told = int(there.min()), int(np.ceil(np.percentile(there, 95))), int(there.max())
    # Lists of a fixed length keep the room of those that are null; flatten leaves it out.
    kept = np.where(np.asarray(column.is_null()), 0, lengths)
    return column.flatten(), told, np.repeat(np.arange(len(column)), kept)


def _counted(column: pa.Array) -> tuple[int, tuple[tuple[str, int], ...]]:
    counts = pc.value_counts(column.drop_null())
    pairs = sorted(
        zip(counts.field(1).to_pylist(), counts.field(0).to_pylist(), strict=True), key=lambda pair: -pair[0]
    )
    return len(pairs), tuple((str(value), count) for count, value in pairs[:MAX_FREQUENT])


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """In one piece, without dictionaries and extensions."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks])
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else joined.chunk(0)
