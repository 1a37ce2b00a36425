"""Makes every file of this folder from the source data: `python jobs/data/derive.py SOURCE_FOLDER`.

The source folder holds `mnist/`, `weather_seq/`, `flights/`, `digits/` and `breast_cancer/` as README.md says.
Nothing is drawn at random and shards are read in the order of their names, so running it again gives the same content.
"""

import argparse
import gzip
import io
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

WIDE, NARROW = 28, 10  # pixels a side
DEPARTURE = ("month", "day", "hour", "minute")
NAMED_BY_RULE = (
    *("CJK UNIFIED", "CJK COMPAT", "HANGUL SYLLABLE", "TANGUT", "NUSHU", "KHITAN", "VARIATION SELECTOR", "CUNEIFORM"),
    *("EGYPTIAN", "ANATOLIAN", "BAMUM"),
)
FLIGHT_FEATURES = ("month", "day", "dow", "hour", "minute", "distance", "dep_delay")


@dataclass(frozen=True, kw_only=True)
class DerivedSplit:
    """One folder or file made here: where its rows come from, what is done to them, how many shards it becomes."""

    source: str
    target: str
    derive: Callable[[pa.Table], pa.Table]
    num_shards: int = 1


def high_or_low(table: pa.Table) -> pa.Table:
    """Adds `is_high`, 1 where the digit is 5 or more: the two-class question of jobs/mlp_binary.yaml."""
    is_high = pc.cast(pc.greater_equal(table["label"], 5), pa.int8())
    return table.select(["image", "label"]).append_column("is_high", is_high)


def shrink(table: pa.Table) -> pa.Table:
    """Replaces the 28x28 image by its 10x10 area average."""
    images = _matrix(table["image"]).reshape(-1, WIDE, WIDE)
    small = area_average(images).reshape(len(table), -1)
    return pa.table({"image": _lists(small), "label": table["label"]})


def area_average(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(images, 28, 28) -> (images, 10, 10), the mean brightness of the area each small pixel covers.

    A small pixel is 2.8 wide, so counted in fifths of a wide pixel every border is whole: wide pixels are 5 long and
    small ones 14. The sums are integers, hence exact and the same on every machine; the mean is rounded half up.
    """
    fifths, length = 5, 14
    wide = np.arange(WIDE) * fifths
    small = np.arange(NARROW)[:, None] * length
    overlap = np.minimum(wide + fifths, small + length) - np.maximum(wide, small)
    weights = np.clip(overlap, 0, None)  # (10, 28), each row sums to 14
    sums = weights @ images.astype(np.int64) @ weights.T
    area = length * length
    means: NDArray[np.uint8] = ((sums + area // 2) // area).astype(np.uint8)
    return means


def weather_windows(table: pa.Table) -> pa.Table:
    """Keeps the readings and what follows them; the airport stays out, since the model is not told where it is."""
    return table.select(["window", "target"])


def flight_numbers(table: pa.Table) -> pa.Table:
    """Keeps what is known at departure and the answer; rows with a gap in any of these columns are dropped.

    `arr_delay` and `air_time` are known only after landing: as features they would give the answer away.
    """
    used = table.select([*FLIGHT_FEATURES, "late"])
    complete = used.drop_null()
    print(f"  flights: {len(used) - len(complete)} of {len(used)} rows had a gap and were dropped")
    return complete


def some_flights(table: pa.Table) -> pa.Table:
    """Every 13th flight that `flight_numbers` keeps: 20,000 of the training rows, 5,000 of the others."""
    kept = flight_numbers(table)
    return kept.take(pa.array(range(0, len(kept), 13))).slice(0, len(kept) // 13_000 * 1_000)


def flights_as_text(table: pa.Table) -> pa.Table:
    """The flights of `some_flights` with carrier and airports, and the time of departure as text."""
    kept = table.drop_null().take(pa.array(range(0, len(table.drop_null()), 13)))
    kept = kept.slice(0, len(table.drop_null()) // 13_000 * 1_000)
    when = [
        f"2013-{month:02}-{day:02}T{hour:02}:{minute:02}"
        for month, day, hour, minute in zip(*(kept[name].to_pylist() for name in DEPARTURE), strict=True)
    ]
    columns = {name: kept[name] for name in ("carrier", "origin", "dest", "distance", "dep_delay", "late")}
    return pa.table({"departure": when, **columns})


def character_names(*, held_back: bool) -> pa.Table:
    """The names of Unicode's characters and their general categories, of those with 100 characters or more.

    Left out are ideographs and syllables that are named by a number or by rule. Every fifth is held back.
    """
    named = [
        (unicodedata.name(character), unicodedata.category(character))
        for character in map(chr, range(0x110000))
        if unicodedata.name(character, "") and not unicodedata.name(character).startswith(NAMED_BY_RULE)
    ]
    counts = Counter(category for _, category in named)
    kept = [row for row in named if counts[row[1]] >= 100]
    rows = [row for number, row in enumerate(kept) if (number % 5 == 0) == held_back]
    return pa.table({"name": [name for name, _ in rows], "category": [category for _, category in rows]})


def unchanged(table: pa.Table) -> pa.Table:
    """The source as it is."""
    return table


DERIVED: tuple[DerivedSplit, ...] = (
    DerivedSplit(source="mnist/train", target="mnist/train", derive=high_or_low, num_shards=6),
    DerivedSplit(source="mnist/test", target="mnist/test", derive=high_or_low),
    DerivedSplit(source="mnist/train", target="mnist_10x10/train", derive=shrink, num_shards=3),
    DerivedSplit(source="mnist/test", target="mnist_10x10/test", derive=shrink),
    DerivedSplit(source="weather_seq/train", target="weather/train", derive=weather_windows, num_shards=3),
    DerivedSplit(source="weather_seq/test", target="weather/test", derive=weather_windows),
    DerivedSplit(source="flights/train", target="flights/train", derive=flight_numbers, num_shards=4),
    DerivedSplit(source="flights/test", target="flights/test", derive=flight_numbers),
    DerivedSplit(source="flights/train", target="flights_20k/train", derive=some_flights),
    DerivedSplit(source="flights/test", target="flights_20k/test", derive=some_flights),
    DerivedSplit(source="flights/train", target="flights_text/train.csv.gz", derive=flights_as_text),
    DerivedSplit(source="flights/test", target="flights_text/test.csv.gz", derive=flights_as_text),
    DerivedSplit(source="digits/train.parquet", target="digits/train.parquet", derive=unchanged),
    DerivedSplit(source="digits/test.parquet", target="digits/test.parquet", derive=unchanged),
    DerivedSplit(source="breast_cancer/train.parquet", target="breast_cancer/train.parquet", derive=unchanged),
    DerivedSplit(source="breast_cancer/test.parquet", target="breast_cancer/test.parquet", derive=unchanged),
)


def write_all(source_folder: Path, target_folder: Path) -> None:
    """Writes every derived split, and prints the moments that the Normalization layers of the specs are given."""
    for split in DERIVED:
        print(f"{split.target} from {split.source}")
        table = split.derive(_read(source_folder / split.source))
        _write(table, target_folder / split.target, split.num_shards)
    for name, held_back in (("train", False), ("test", True)):
        _write(character_names(held_back=held_back), target_folder / f"character_names/{name}.csv.gz", 1)
    _print_moments(target_folder)


def moments(values: NDArray[Any]) -> tuple[list[float], list[float]]:
    """(..., columns) -> mean and variance of each column over all else, to six digits so that a spec can hold them."""
    columns = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return _six_digits(columns.mean(axis=0)), _six_digits(columns.var(axis=0))


def _print_moments(folder: Path) -> None:
    windows = _matrix(_read(folder / "weather/train")["window"]).reshape(-1, 24, 5)
    some = _read(folder / "flights_20k/train")
    some_features = np.stack([some[name].to_numpy() for name in FLIGHT_FEATURES], axis=1)
    cells = _read(folder / "breast_cancer/train.parquet").drop_columns("label")
    cell_features = np.stack([column.to_numpy() for column in cells.columns], axis=1)
    tables = {
        "weather readings": windows,
        "features of some flights": some_features,
        "features of cells": cell_features,
    }
    for title, values in tables.items():
        mean, variance = moments(values)
        print(f"{title}\n  mean: {mean}\n  variance: {variance}")


def _six_digits(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def _read(path: Path) -> pa.Table:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    # A frame's index description is of no use here, but says of a window what its shape and readings are.
    tables = [pq.read_table(file, partitioning=None) for file in files]
    metadata = {key: text for key, text in (tables[0].schema.metadata or {}).items() if key != b"pandas"}
    return pa.concat_tables([table.replace_schema_metadata(metadata or None) for table in tables])


def _write(table: pa.Table, path: Path, num_shards: int) -> None:
    if path.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_file(table, path)
        return
    path.mkdir(parents=True, exist_ok=True)
    for old in path.glob("*.parquet"):
        old.unlink()
    rows_per_shard = -(-len(table) // num_shards)
    for shard in range(num_shards):
        rows = table.slice(shard * rows_per_shard, rows_per_shard)
        _write_file(rows, path / f"part-{shard:05d}.parquet")


def _write_file(table: pa.Table, path: Path) -> None:
    if path.suffix == ".gz":
        text = io.BytesIO()
        pyarrow.csv.write_csv(table, text, pyarrow.csv.WriteOptions(quoting_style="needed"))
        # Without a time and a name in it, so that the same rows are the same bytes.
        path.write_bytes(gzip.compress(text.getvalue(), mtime=0))
        return
    # These files are written once and cloned often. Level 19 writes slowly and reads as fast. Parquet stores a uint8 as
    # an int32: splitting its bytes leaves the three empty ones to the compressor, 7 % smaller than a dictionary.
    pixels = ["image.list.element"] if "image" in table.column_names else []
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        row_group_size=20_000,
        use_dictionary=not pixels,
        use_byte_stream_split=pixels,
        data_page_size=16 << 20,
    )


def _matrix(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of equally long lists -> (rows, length)."""
    flat: NDArray[Any] = pa.chunked_array([chunk.flatten() for chunk in column.chunks]).to_numpy()
    return flat.reshape(len(column), -1)


def _lists(matrix: NDArray[np.uint8]) -> pa.FixedSizeListArray:
    field = pa.field("element", pa.uint8())
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), type=pa.list_(field, matrix.shape[1]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and writes every file."""
    parser = argparse.ArgumentParser(description="Makes the data of the jobs from the source data.")
    parser.add_argument("source", type=Path, help="folder that holds mnist/, weather_seq/, flights/, ...")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, help="folder to write to (default: here)")
    parsed = parser.parse_args(arguments)
    write_all(parsed.source, parsed.into)


if __name__ == "__main__":
    main()
