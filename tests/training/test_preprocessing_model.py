"""A model that is exported with its preprocessing takes raw columns in a process that knows nothing of seqjobs."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from seqjobs.errors import DataError
from seqjobs.export import export_with_preprocessing
from seqjobs.predict import predict_rows
from seqjobs.training.outcome import PackRunner
from tests.fixtures.files import write_rows
from tests.fixtures.finished_run import Finished
from tests.operations.test_family import with_share

pytestmark = pytest.mark.slow
__all__ = ["with_share"]

SPEC = """
name: raw
data: {{train: rows.parquet, features: {features}, target: y}}
model: [{{Dense: {{units: 1}}}}]
compile: {{optimizer: sgd, loss: mse}}
fit: {{epochs: 1, batch_size: 64}}
objective: {{metric: loss, direction: minimize}}
"""
FEATURES = """{
  year: standardize, gap: [{impute: {strategy: median, indicator: true}}, {min_max: {low: -1, high: 1}}],
  word: {one_hot: {max: 3}}, code: index, flag: one_hot, wide: [{clip: {low: -0.5}}, {rescale: 0.1}, standardize],
  size: [log1p, {bucketize: {quantiles: 4}}], hour: {cyclic: 24}, text: [{impute: {constant: none}}, index],
  add: {rescale: 0.3}, model: {bucketize: [0, 1]},
  when: [{date_parts: [year, month, day, weekday, day_of_year, hour, minute, second, days]}, standardize],
  born: {cyclic: day_of_year}, stamp: [{cyclic: hour}], price: {one_hot: {max: 3}}, share: index,
  name: [{hash: 50}, standardize], number: [{hash: {buckets: 50, seed: 7}}, standardize],
  part: [{hash: 50}, standardize], truth: {hash: 50}, step: [{bucketize: [0, 1]}, {hash: 9}],
  line: [{tokens: {length: 12, vocabulary: 40}}, {rescale: 0.1}],
  exact: [{tokens: {length: 30, lowercase: false}}, {rescale: 0.01}],
  mood: [{impute: most_frequent}, one_hot], note: [{impute: {constant: a b}}, {tokens: 3}, {rescale: 0.1}],
  rome: [{date_parts: [day, hour, minute]}, standardize], delhi: {cyclic: hour},
  first: {pad: 3}, last: [{pad: {length: 3, keep: end, value: -1}}, standardize], longer: {pad: 4}
}"""
# Around the ends of years, of months that leap, and of time.
DATES = [
    int(np.datetime64(text, "us").astype(np.int64))
    for text in (
        *("1969-12-31T23:59:59.999999", "1900-02-28", "1900-03-01", "1899-12-31T23:59:59", "2000-02-29", "2000-12-31"),
        *("2024-12-31T23:59:59", "2023-12-31", "2024-03-01", "2100-02-28T12", "0001-01-01", "9999-12-31T23:59:59"),
        *("2024-01-01", "2076-12-31T23:59:59"),  # where the days say another year at first
    )
]
# An hour before, at and behind changes of the clocks, of which the first left those of the sun.
ROME = [
    int(np.datetime64(text, "us").astype(np.int64)) + microseconds
    for text in ("1866-12-11T23:10:04", "2024-03-31T01:00", "2024-10-27T01:00", "2037-10-25T01:00")
    for microseconds in (-1, 0)
]
# What Keras, Arrow and Python take for small letters, punctuation and white space differs; words are made of all of it.
LETTERS = (
    "aAbBéÉ\u0130\u0131Ii\u03a3\u03c3\u03c2KÅ\u212bß\u1e9e_9\u0663\xb2'\u2019'\u2019 ,.\t\n\x0b\x1c\x85\u2028\xa0"
    "\u0307\u200d中文\U0001f600\ufeff-\u2013!?[]{}`^\\~\u3000"
)
LOAD = """
import sys, keras, numpy as np, tensorflow as tf
rows = np.load(sys.argv[2])
model = keras.models.load_model(sys.argv[1])
plain = {name: rows[name].astype(object) if rows[name].dtype.kind == "U" else rows[name] for name in rows}
columns = {name: tf.constant(values) for name, values in plain.items()}
np.save(sys.argv[3], model(columns))
assert "seqjobs" not in sys.modules
"""


def times(numbers: Any, kind: pa.DataType) -> pa.Array:
    return pa.array(numbers).cast(kind)


def lines(random: np.random.Generator, count: int) -> list[str]:
    return ["".join(random.choice(list(LETTERS), size)) for size in random.integers(0, 40, count)]


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("L", (2, 2)).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    table = {
        "year": 2024 + random.random(90) * 0.1,  # which float32 rounds to a thousandth of its deviation
        "gap": np.where(random.random(90) < 0.3, np.nan, random.normal(size=90)),
        "word": random.choice(["a", "b", "[UNK]", "[UNK]_", "é"], 90),
        "code": random.choice([-1, 0, 7], 90),
        "flag": random.random(90) < 0.5,
        "wide": pa.FixedSizeListArray.from_arrays(pa.array(random.normal(size=270)), 3),
        "size": random.random(90) * 1000,
        "hour": random.integers(0, 24, 90).astype(np.int8),
        "text": random.choice(["x", "y"], 90),
        "add": random.normal(size=90).astype(np.float32),
        "model": pa.FixedSizeListArray.from_arrays(pa.array(random.normal(size=180)), 2),
        "when": times([*DATES, *random.integers(-(2**55), 2**55, 90 - len(DATES))], pa.timestamp("us")),
        "born": times(random.integers(-40_000, 40_000, 90, np.int32), pa.date32()),
        "stamp": times(random.integers(0, 2**60, 90), pa.timestamp("ns", "UTC")),
        "price": random.choice([0.1, 2.5, 3, -0.0], 90),
        "share": random.choice(np.array([0.1, 1 / 3, 7], np.float32), 90),
        "first": [random.normal(size=size).tolist() for size in random.integers(0, 6, 90)],
        "last": [random.integers(-9, 9, size).tolist() for size in random.integers(0, 6, 90)],
        "longer": pa.FixedSizeListArray.from_arrays(pa.array(random.normal(size=180)), 2),
        "name": random.choice(["", "a", "é", "x" * 77], 90),
        "number": random.integers(-(2**62), 2**62, 90),
        "part": random.choice([0.1, -0.0, 3, 2.5, -1e300, 1e300, -(2.0**63)], 90),
        "truth": random.random(90) < 0.5,
        "step": random.normal(size=90),
        "line": lines(random, 90),
        "exact": lines(random, 90),
        "mood": random.choice(np.array(["good", "bad", "", None], object), 90),
        "note": random.choice(np.array(["a b", "B, c.", "", None], object), 90),
        "eve": ["2024-12-24 18:00"] * 90,
        "rome": times([*ROME, *random.integers(-(2**55), 2**55, 90 - len(ROME))], pa.timestamp("us", "Europe/Rome")),
        "delhi": times(random.integers(-(2**50), 2**50, 90), pa.timestamp("us", "+05:30")),
        "photo": [picture()] * 90,
        "words": ["a", "b\0"] * 45,
        "tiny": random.normal(size=90) * 1e-9,
        "large": random.choice(np.array([2**63, 1], np.uint64), 90),
        "nul": ["a", "a\0"] * 45,
        "y": random.normal(size=90),
    }
    write_rows(tmp_path / "rows.parquet", table)
    return tmp_path


NOT_FED = ("eve", "photo", "words", "tiny", "large", "nul", "y")


def fed(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """The tensor that stands for a column."""
    if pa.types.is_string(column.type):
        return np.array([text or "" for text in column.to_pylist()])
    if pa.types.is_boolean(column.type) or column.type == pa.int64():
        return np.array(column.to_pylist(), np.int64)
    if pa.types.is_temporal(column.type):
        return np.array(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()))
    if pa.types.is_list(column.type):
        rows = column.to_pylist()
        return np.array([[*row, *[np.nan] * (max(map(len, rows)) - len(row))] for row in rows])
    return np.array(column.to_pylist(), np.float64)


def test_it_predicts_as_predict_does(folder: Path, runner: PackRunner) -> None:
    done = Finished.of(SPEC.format(features=FEATURES), folder, folder / "run", runner)
    model = export_with_preprocessing(done.run, done.trial, folder / "raw.keras", done.start)
    count = 300
    new = pq.read_table(folder / "rows.parquet").take(np.arange(count) % 90)
    random = np.random.default_rng(1)
    for name, values in (
        ("word", random.choice(["unseen", "é"], count)),
        ("code", random.choice([-2, 7, 0], count)),
        ("price", random.choice([0.7, 2.5, 0], count)),
        ("name", lines(random, count)),
        ("line", [*lines(random, count - 2), "", "Ὀδός ΟΔΟΣ. \u0130\u0130 don't ' x"]),
        ("exact", lines(random, count)),
        ("mood", random.choice(np.array(["good", "unseen", "", None], object), count)),
        ("text", random.choice(np.array(["x", "", None], object), count)),
        ("note", random.choice(np.array(["c a", "", None], object), count)),
    ):
        new = new.set_column(new.schema.get_field_index(name), name, pa.array(values))
    write_rows(folder / "new.parquet", new)
    predict_rows(done.run, done.trial, [str(folder / "new.parquet")], folder / "out.parquet", done.start)
    columns = {name: fed(new[name]) for name in new.column_names if name not in NOT_FED}
    np.savez(folder / "rows.npz", allow_pickle=False, **columns)
    paths = [str(model), str(folder / "rows.npz"), str(folder / "found.npy")]
    subprocess.run([sys.executable, "-W", "error", "-c", LOAD, *paths], check=True, cwd=folder)
    expected = pq.read_table(folder / "out.parquet")["prediction"].to_numpy()
    assert np.abs(np.load(folder / "found.npy")[:, 0] - expected).max() <= 1e-6


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ("{large: {hash: 10}}", "column 'large' .*hash: its uint64 numbers may be larger than Keras's int64"),
        ("{large: index}", "column 'large' .*index: its uint64 numbers may be larger than Keras's int64"),
        ("{nul: one_hot}", "column 'nul' .*one_hot: a category ends in a NUL"),
        ("{words: {tokens: 2}}", "column 'words' .*tokens: a word ends in a NUL"),
        ("{tiny: standardize}", "column 'tiny' .*standardize: its standard deviation is .*e-09, and .*Normalization"),
        ("{eve: {cyclic: hour}}", "column 'eve' .*cyclic: Keras has no layer that reads times in strings"),
        ("{eve: {date_parts: [hour]}}", "column 'eve' .*date_parts: Keras has no layer that reads times in strings"),
        (
            "{add: {rescale: 1}, photo: {image: {size: [2, 2], channels: 1}}}",
            "column 'photo' .*image: Keras has no layer that decodes PNG",
        ),
        ("{add: {one_hot: {unseen: error}}}", "column 'add' .*one_hot: Keras cannot look up fractions"),
    ],
)
def test_what_keras_has_no_layer_for_is_refused(features: str, reason: str, folder: Path, runner: PackRunner) -> None:
    done = Finished.of(SPEC.format(features=features), folder, folder / "run", runner)
    with pytest.raises(DataError, match=rf"{reason}.*\[E422\]"):
        export_with_preprocessing(done.run, done.trial, folder / "raw.keras", done.start)
    assert not (folder / "raw.keras").exists()


@pytest.mark.usefixtures("with_share")
def test_a_new_operation_is_exported(folder: Path, runner: PackRunner) -> None:
    done = Finished.of(SPEC.format(features="{size: {share: 2}}"), folder, folder / "run", runner)
    model = keras.saving.load_model(
        export_with_preprocessing(done.run, done.trial, folder / "raw.keras", done.start), safe_mode=True
    )
    rows = pq.read_table(folder / "rows.parquet")
    predict_rows(done.run, done.trial, [str(folder / "rows.parquet")], folder / "out.parquet", done.start)
    found = np.asarray(model({"size": rows["size"].to_numpy()}))[:, 0]
    np.testing.assert_allclose(found, pq.read_table(folder / "out.parquet")["prediction"].to_numpy(), atol=1e-6)


def test_values_of_other_types_are_the_same_categories(folder: Path, runner: PackRunner) -> None:
    random = np.random.default_rng(3)
    shares, flags = random.choice([0.1, 0.7, 0.3], 90), random.random(90) < 0.3
    table = {"share": shares.astype(np.float32), "part": shares.astype(np.float32), "flag": flags}
    pq.write_table(pa.table({**table, "y": random.normal(size=90)}), folder / "rows.parquet")
    features = "{share: one_hot, part: [{hash: 50}, standardize], flag: one_hot}"
    done = Finished.of(SPEC.format(features=features), folder, folder / "run", runner)
    model: Any = keras.saving.load_model(
        export_with_preprocessing(done.run, done.trial, folder / "raw.keras", done.start), safe_mode=True
    )
    predict_rows(done.run, done.trial, [str(folder / "rows.parquet")], folder / "out.parquet", done.start)
    expected = pq.read_table(folder / "out.parquet")["prediction"].to_numpy()
    found = np.asarray(model({"share": shares, "part": shares, "flag": flags.astype(np.int64)}))[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    text = "".join(f"{share},{share},{int(flag)}\n" for share, flag in zip(shares, flags, strict=True))
    (folder / "new.csv").write_text("share,part,flag\n" + text)
    done_again = predict_rows(done.run, done.trial, [str(folder / "new.csv")], folder / "again.parquet", done.start)
    assert not done_again.unseen
    np.testing.assert_array_equal(pq.read_table(folder / "again.parquet")["prediction"].to_numpy(), expected)
