"""The corpus of wrong data files: each row names a code and a part of the message that a job must get."""

from __future__ import annotations

import lzma
import os
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.fixtures.files import write_rows

CORRUPT_FILES = Path(__file__).parent / "data"
# Why each file of `data/` is refused: a part of the message. A file is named after its code; one that ends in `.xz` is
# unpacked first. Each was made once from a right file of 30 rows (`label` is 0, 1, 2 in turn, `x` is 0.0 to 29.0, in
# the order label, x) by changing the number that its name tells, or by a writer that does what we refuse.
WHY_REFUSED = {
    "e411_encrypted_columns.parquet": "the file is encrypted",
    "e411_encrypted_footer.parquet": "the file is encrypted",
    "e411_feather_version_1.feather": "not a complete Arrow IPC (Feather version 2) file",
    "e411_more_rows_than_values.orc": "not a complete ORC file",
    "e411_more_rows_than_values.parquet": "it does not have the 1,000,000 rows that were counted",
    "e411_negative_rows.parquet": "its footer counts -5 rows",
    "e411_negative_values.parquet": "it does not have the 30 rows that were counted",
    "e411_offset_beyond_the_data.feather": "not a complete Arrow IPC (Feather version 2) file",
    "e411_page_of_negative_size.parquet": "Invalid page header",
    "e411_page_of_negative_values.parquet": "negative number of values",
    "e411_page_of_two_gigabytes.parquet": "Page didn't decompress to expected size",
    "e411_schema_50000_deep.parquet.xz": "schema too deeply nested",
    "e411_stream.feather": "not a complete Arrow IPC (Feather version 2) file",
    "e411_stripe_of_more_rows.orc": "not a complete ORC file",
    "e412_flipped_bit.parquet": "a page's checksum does not match",
    "e413_rows_beyond_counting.parquet": "4,611,686,018,427,387,904 rows need",
    "e413_schema_of_two_billion_columns.parquet": "exceeds the limits",
    "e413_text_of_two_gigabytes.parquet": "exceeds the limits",
    "e413_two_billion_row_groups.parquet": "exceeds the limits",
    "e414_lzo.parquet": "LZO",
    # The metadata of the type is a pickle that makes a folder `unpickled` when it is loaded.
    "e414_pickled_extension.parquet": "the extension type 'arrow.py_extension_type'",
    "e414_ray_tensor.parquet": "the extension type 'ray.data.arrow_tensor'",
    "e414_ray_tensor_v2.parquet": "the extension type 'ray.data.arrow_tensor_v2'",
    "e414_unknown_codec.parquet": "Unsupported compression codec value: 99",
}

# The place of column x in the spec.
COLUMN = "job.yaml:2:41 data.features.0"
SPEC = """\
name: bad-data
data: {train: train.parquet, features: [x], target: label}
model:
  - Dense: {units: 3, activation: softmax}
compile: {optimizer: adam, loss: sparse_categorical_crossentropy}
"""
LABEL = [0, 1, 2] * 10
FLOATS = np.arange(30, dtype=np.float32)
WHOLE = "this is not a complete Parquet file"
Make = Callable[[Path], object]


@dataclass(frozen=True, kw_only=True)
class BadData:
    """A folder with files, the job that reads them, and `words`, a part of the message."""

    name: str
    words: str
    make: Make
    spec: str = SPEC
    where: str = "train.parquet"
    """The place that the error names: a file, or a part of the spec."""

    @property
    def code(self) -> str:
        return self.name.split("_")[0].upper()


def good(folder: Path) -> Path:
    """Write a file that can be trained on."""
    return write_rows(folder / "train.parquet", {"label": LABEL, "x": FLOATS})


def spec(*replacements: tuple[str, str]) -> str:
    text = SPEC
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


def _labels(values: Any) -> Make:
    return lambda folder: write_rows(folder / "train.parquet", {"x": FLOATS[: len(values)], "label": values})


def _features(values: Any) -> Make:
    return lambda folder: write_rows(folder / "train.parquet", {"x": values, "label": LABEL[: len(values)]})


def _content(content: bytes) -> Make:
    return lambda folder: (folder / "train.parquet").write_bytes(content)


def _differing(folder: Path) -> None:
    good(folder)
    write_rows(folder / "more.parquet", {"label": LABEL, "x": [1] * 30})


def _same_name_twice(folder: Path) -> None:
    columns = [pa.array(FLOATS), pa.array(FLOATS), pa.array(LABEL)]
    write_rows(folder / "train.parquet", pa.Table.from_arrays(columns, names=["x", "x", "label"]))


def _other_format(name: str, content: bytes) -> Make:
    return lambda folder: (folder / name).write_bytes(content)


def _dead_link(folder: Path) -> None:
    (folder / "train.parquet").symlink_to(folder / "nothing")


def _negative_weight(folder: Path) -> None:
    write_rows(folder / "train.parquet", {"x": FLOATS, "label": LABEL, "w": [-1.0] + [1.0] * 29})


def _corrupt(name: str, words: str) -> BadData:
    """Return the row of a file of `data/`."""
    stem, _, ending = name.removesuffix(".xz").partition(".")
    train = f"train.{ending}"

    def make(folder: Path) -> None:
        content = (CORRUPT_FILES / name).read_bytes()
        (folder / train).write_bytes(lzma.decompress(content) if name.endswith(".xz") else content)

    return BadData(
        name=f"{stem}_{ending}",
        words=words,
        make=make,
        spec=spec(("train.parquet", train)),
        where=COLUMN if "extension type" in words else train,
    )


def _bad(name: str, words: str, make: Make, spec: str = SPEC, where: str = "train.parquet") -> BadData:
    return BadData(name=name, words=words, make=make, spec=spec, where=where)


def _good_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return good(Path(folder)).read_bytes()


GOOD = _good_bytes()
LENGTHS = (0, 1, 4, 7, 8, 12)
MISSING = (1, 4, 8)
OTHER_FORMATS = ("pkl", "npy", "json", "h5", "keras", "parquet.gz", "zip")
BAD_TEXTS = (
    ("E408", "null", "csv", b"x,label\n1,0\n,1\n", "null in column 'x' (1 of 2 rows)"),
    ("E410", "word", "csv", b"x,label\n" + b"1,0\n" * 1_200_000 + b"one,1\n", "column 'x' has 'one' in row #1200002"),
    ("E410", "word", "jsonl", b'{"x": 1, "y": 0}\n' * 9 + b'{"x": "", "y": 1}\n', "a string where other rows have"),
    ("E406", "nothing", "csv", b"", "the file is empty"),
    ("E406", "nothing", "jsonl", b"", "the file is empty"),
    ("E411", "short_row", "csv", b"x,label\n1,0\n2\n", "Expected 2 columns, got 1"),
    ("E411", "latin_1", "csv", b"x,label\n1,\xe4\n", "the text is not utf-8"),
    ("E411", "not_gzip", "csv.gz", b"x,label\n1,0\n", "not a complete CSV file"),
    ("E411", "array", "jsonl", b'[{"x": 1, "label": 0}]\n', "changed from object to array"),
    ("E411", "half_a_line", "jsonl", b'{"x": 1, "label": 0}\n{"x": 1,', "JSON parse error"),
    ("E411", "text", "feather", b"x,label\n1,0\n", "not a complete Arrow IPC"),
    ("E411", "text", "orc", b"x,label\n1,0\n" * 50, "not a complete ORC file"),
    ("E413", "line_of_megabytes", "jsonl", b'{"x": "' + b"1" * (9 << 20) + b'"}\n', "a line is longer than 4 MiB"),
)  # fmt: skip

BAD_DATA = (
    *(_corrupt(name, words) for name, words in WHY_REFUSED.items()),
    _bad("e310_float_labels", "takes class numbers", _labels([0.5, 1.5]), where="job.yaml:5:34 compile.loss"),
    _bad(
        "e309_label_beyond_the_outputs",
        "needs one output for each of the 8 classes",
        _labels([0, 7]),
        where="job.yaml:5:34 compile.loss",
    ),
    _bad(
        "e314_class_weight_of_no_class",
        "the target has no class 'three'",
        good,
        spec=SPEC + "fit: {class_weight: {0: 1, three: 5}}\n",
        where="job.yaml:6:28 fit.class_weight.three",
    ),
    _bad("e401_folder_that_is_a_dead_link", "this link is broken", _dead_link, where="job.yaml:2:15 data.train"),
    _bad(
        "e401_fifo",
        "neither a file nor a folder",
        lambda folder: os.mkfifo(folder / "train.parquet"),
        where="job.yaml:2:15 data.train",
    ),
    _bad(
        "e402_column_missing",
        "there is no column 'x'",
        lambda folder: write_rows(folder / "train.parquet", {"xx": LABEL, "label": LABEL}),
    ),
    _bad("e402_column_twice_in_the_file", "2 columns are named 'x'", _same_name_twice),
    _bad("e403_strings", "column 'x' holds strings", _features(["a", "b"]), where=COLUMN),
    _bad("e403_nested", "holds no numbers: its type is 'list<element: ", _features([[[1]], [[2]]]), where=COLUMN),
    _bad("e403_decimal", "decimal128(5, 1)", _features(pa.array([1, 2], pa.decimal128(5, 1))), where=COLUMN),
    _bad("e403_timestamp", "timestamp[us]", _features(pa.array([1, 2], pa.timestamp("us"))), where=COLUMN),
    _bad(
        "e403_dictionary",
        "in train.parquet, column 'x' holds strings",
        _features(pa.array(["a", "b"]).dictionary_encode()),
        where=COLUMN,
    ),
    _bad(
        "e416_shape_of_another_size",
        "shape [2, 2] holds 4 numbers, column 'x' has 1",
        good,
        spec=spec(("[x]", "{x: {shape: [2, 2]}}")),
        where="job.yaml:2:52 data.features.x.shape",
    ),
    _bad(
        "e404_shards_that_differ",
        "train.parquet and more.parquet have different columns",
        _differing,
        spec=spec(("train: train.parquet", "train: [train.parquet, more.parquet]")),
        where="more.parquet",
    ),
    _bad("e409_lists_of_two_lengths", "1 values in row 1, 2 in the first row", _features([[1, 2], [3]])),
    _bad("e406_no_rows", "there are no rows", _labels(pa.array([], pa.int64())), where="data.train"),
    _bad("e406_one_class", "so there is nothing to learn", _labels(["a", "a"]), where="data.target"),
    _bad("e408_null_labels", "null in column 'label' (1 of 3 rows); the first in row 1", _labels([0, None, 1])),
    _bad("e424_labels_beyond_32_bits", "1099511627776 in row 1", _labels([0, 2**40])),
    _bad("e403_class_of_a_megabyte", "a text of 1,000,000 bytes", _labels(["a", "b" * 1_000_000])),
    *(_bad(f"e411_cut_at_{length}", WHOLE, _content(GOOD[:length])) for length in LENGTHS),
    *(_bad(f"e411_{length}_bytes_short", WHOLE, _content(GOOD[:-length])) for length in MISSING),
    _bad("e411_cut_in_the_middle", WHOLE, _content(GOOD[: len(GOOD) // 2])),
    _bad("e411_magic_only", WHOLE, _content(b"PAR1")),
    _bad("e411_magic_twice", WHOLE, _content(b"PAR1PAR1")),
    _bad("e411_csv", WHOLE, _content(b"x,label\n1,0\n" * 50)),
    _bad("e411_arrow_ipc", WHOLE, _content(b"ARROW1\0\0" + bytes(500) + b"ARROW1")),
    _bad("e411_pickle", WHOLE, _content(pickle.dumps({"x": [1] * 50}))),
    _bad("e411_npy", WHOLE, _content(b"\x93NUMPY\x01\0" + bytes(500))),
    _bad(
        "e415_no_ending",
        "a file without an ending cannot be read",
        _other_format("train", b"x"),
        spec=spec(("train.parquet", "train")),
        where="job.yaml:2:15 data.train",
    ),
    *(
        _bad(
            f"e415_{ending}",
            f"'.{ending}' files cannot be read",
            _other_format(f"train.{ending}", b"x"),
            spec=spec(("train.parquet", f"train.{ending}")),
            where="job.yaml:2:15 data.train",
        )
        for ending in OTHER_FORMATS
    ),
    *(
        _bad(
            f"{code.lower()}_{name}_{ending}",
            words,
            _other_format(f"train.{ending}", content),
            spec=spec(("train.parquet", f"train.{ending}")),
            where=f"train.{ending}",
        )
        for code, name, ending, content, words in BAD_TEXTS
    ),
    _bad(
        "e402_type_of_no_column",
        "data.types has column 'z'",
        _other_format("train.csv", b"x,label\n1,0\n2,1\n"),
        spec=spec(("train.parquet", "train.csv"), ("target: label", "target: label, types: {z: string}")),
        where="train.csv",
    ),
    _bad(
        "e209_types_of_parquet",
        "no file is CSV or JSON lines",
        good,
        spec=spec(("target: label", "target: label, types: {x: float32}")),
        where="data.types",
    ),
    _bad(
        "e431_not_a_number",
        "NaN or infinite in column 'x' (1 of 3 rows); the first in row 1",
        _features([1.0, float("nan"), 2.0]),
    ),
    _bad("e431_infinite", "NaN or infinite in column 'x' (1 of 2 rows)", _features([1.0, float("inf")])),
    _bad("e431_beyond_float32", "NaN or infinite in column 'x' (1 of 2 rows)", _features([1.0, 1e39])),
    _bad(
        "e431_negative_weight",
        "negative in column 'w' (1 of 30 rows); the first in row 0",
        _negative_weight,
        spec=spec(("target: label", "target: label, sample_weight: w")),
    ),
)
