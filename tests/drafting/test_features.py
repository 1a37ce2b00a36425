"""What is proposed for each kind of column: through a spec that fits its data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError
from seqjobs.jobspec.load import parse_job
from tests.fixtures.files import write_rows
from tests.fixtures.plans import plan_of_texts

from .small_datasets import ROWS, checked, pictures, random_columns


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return checked(write_rows(tmp_path_factory.mktemp("all") / "rows.parquet", random_columns()), "label")


@pytest.mark.parametrize(
    "line",
    [
        "plain: standardize",
        "price: [log1p, standardize]",
        "rooms: one_hot",
        "ok: raw",
        "gap: [{impute: median}, standardize]",
        "town: one_hot",
        "street: [{impute: {constant: missing}}, {one_hot: {max: 100}}]",
        "# key is left out: 240 different strings",
        "# row is left out: it increases from row to row",
        "# same is left out: it has the same value in all rows",
        "when: [{date_parts: [days, month, weekday, hour]}, standardize]",
        "day: [{date_parts: [days, month, weekday]}, standardize]",
        "window: standardize",
        "steps: [{pad: 8}, standardize]",
        "wild: [{clip: {low: ",
        "# parts is left out: no operation reads struct<a: int64>",
        '"yes: no, #1": standardize',
        '"null": standardize',
        "target: label  # 0 (",
    ],
)
def test_each_kind_of_column_has_its_rule(text: str, line: str) -> None:
    assert any(found.strip().startswith(line) for found in text.splitlines()), text


def test_names_of_columns_reach_no_terminal_and_are_read_back(text: str) -> None:
    assert "\x1b" not in text
    assert "\u2028" not in text
    names = parse_job(text, Path("drafted.yaml")).template["data"]["features"]
    assert {"tab\tline\nend\x1b[31m\u2028", '"quoted" \\ {choice}', ".5"} <= set(names)


def test_the_rows_become_features_as_drafted(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.parquet", random_columns())
    (source,) = plan_of_texts(tmp_path, checked(path, "label")).datasets
    features = read_dataset(source).train.features
    assert np.isfinite(features).all()
    assert len(features) == ROWS


def test_what_tells_the_target_is_left_out_and_said(tmp_path: Path) -> None:
    columns = random_columns()
    label = np.asarray(columns["label"])
    columns["delay"] = label * 20 + np.linspace(0, 15, ROWS)
    columns["status"] = np.where(label == 1, "late", "fine")
    columns["reason"] = pa.array(["fog" if one else None for one in label.tolist()])
    text = checked(write_rows(tmp_path / "rows.parquet", columns), "label")
    assert "# delay is left out: it separates the classes of the target without" in text
    assert "# status is left out: it has only one class of the target for each of its values" in text
    assert "# reason is left out: it is missing in all rows of one class" in text


def test_a_number_in_another_unit_tells_it_too(tmp_path: Path) -> None:
    columns = random_columns()
    columns["celsius"] = (np.asarray(columns["plain"]) - 32) / 1.8
    text = checked(write_rows(tmp_path / "rows.parquet", columns), "plain")
    assert "# celsius is left out: it is the target in another unit" in text
    assert "loss: mse" in text


def test_where_all_else_is_out_a_column_that_tells_the_target_stays(tmp_path: Path) -> None:
    value = np.random.default_rng(1).normal(size=ROWS)
    assert "x: standardize" in checked(
        write_rows(tmp_path / "rows.parquet", {"x": value, "label": (value > 0) * 1}), "label"
    )


def test_texts_alone_go_to_an_embedding(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(f"word{number}" for number in draw.integers(0, 300, 20)) for _ in range(ROWS)]
    key = [f"id-{row}" for row in range(ROWS)]
    alone = checked(
        write_rows(tmp_path / "texts.parquet", {"key": key, "text": texts, "label": draw.integers(0, 3, ROWS)}), "label"
    )
    assert "text: {tokens: {length: 24, vocabulary: 300}}" in alone
    assert "Embedding: {input_dim: 302" in alone
    beside = write_rows(
        tmp_path / "both.parquet", {"x": draw.normal(size=ROWS), "text": texts, "label": draw.integers(0, 3, ROWS)}
    )
    assert "# text is left out: it holds texts" in checked(beside, "label")


@pytest.mark.parametrize(
    ("height", "width", "mode", "operation"),
    [
        (12, 10, "RGB", "{image: {size: [12, 10], channels: 3}}"),
        (8, 8, "L", "{image: {size: [8, 8], channels: 1}}"),
        (20, 128, "L", "{image: {size: [10, 64], channels: 1, resize: true}}"),
        (2, 3, "L", "{image: {size: [2, 3], channels: 1}}"),
    ],
)
def test_pictures_keep_their_shape(tmp_path: Path, height: int, width: int, mode: str, operation: str) -> None:
    label = np.arange(ROWS) % 4
    path = write_rows(
        tmp_path / "rows.parquet",
        {
            "name": [f"{row}.png" for row in range(ROWS)],
            "size": np.random.default_rng(0).normal(size=ROWS),
            "png": pictures(height, width, mode),
            "label": label,
        },
    )
    text = checked(path, "label")
    assert operation in text
    assert "# size is left out: pictures keep their shape only if they are the only feature" in text
    assert "Flatten" in text


@pytest.mark.parametrize(("width", "expected"), [(64, "Dense"), (3072, "Conv2D"), (50, "Dense")])
def test_lists_of_bytes_are_pixels(tmp_path: Path, width: int, expected: str) -> None:
    bytes_of = np.random.default_rng(0).integers(0, 256, (60, width), dtype=np.uint8)
    path = write_rows(
        tmp_path / "rows.parquet",
        {"image": pa.array(bytes_of.tolist(), pa.list_(pa.uint8(), width)), "label": np.arange(60) % 3},
    )
    text = checked(path, "label")
    assert "rescale: 0.00392157" in text
    assert f"  - {expected}:" in text


def test_missing_values_behind_the_first_rows_are_seen(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=30_000)
    values[29_999] = np.nan
    path = write_rows(tmp_path / "rows.parquet", {"x": values, "label": np.arange(30_000) % 2})
    assert "x: [{impute: median}, standardize]" in checked(path, "label")


def test_without_a_feature_it_is_said_why(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.parquet", {"same": np.ones(ROWS), "label": np.arange(ROWS) % 2})
    with pytest.raises(DataError, match=r"no column except the target can be a feature \(same: it has the same value"):
        checked(path, "label")


@pytest.mark.parametrize(
    ("column", "line"),
    [
        (np.random.default_rng(4).integers(2**60, 2**61, ROWS), "# x is left out: its whole numbers are as large"),
        (["a" * 20_000, "b"] * (ROWS // 2), "# x is left out: some of its strings have more than 10,000 bytes"),
        (pa.array(["a", "b", "c"] * (ROWS // 3)).cast(pa.string_view()), "x: one_hot  # 3 different strings"),
        (pa.array(["2024-01-01", "2024-02-29"] * (ROWS // 2), pa.large_string()), "x: [{date_parts: [days, weekday"),
        (pa.FixedShapeTensorArray.from_numpy_ndarray(np.random.default_rng(0).normal(size=(ROWS, 2, 3))),
         "x: [standardize, {shape: [6]}]"),
        (pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(ROWS * 48, dtype=np.uint8).reshape(ROWS, 4, 4, 3)),
         "x: [{rescale: 0.00392157}, {shape: [4, 4, 3]}]"),
    ],
)  # fmt: skip
def test_unusual_ways_to_store_values(tmp_path: Path, column: object, line: str) -> None:
    columns: dict[str, object] = {"x": column, "label": np.random.default_rng(2).integers(0, 2, ROWS)}
    if line.startswith("#"):
        columns["other"] = np.random.default_rng(1).normal(size=ROWS)
    text = checked(write_rows(tmp_path / "rows.parquet", columns), "label")
    assert any(found.strip().startswith(line) for found in text.splitlines()), text


def test_colour_pixels_next_to_another_feature_are_a_row_of_numbers(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (ROWS, 4, 4, 3), dtype=np.uint8)
    columns = {"x": pa.FixedShapeTensorArray.from_numpy_ndarray(pixels), "other": draw.normal(size=ROWS)}
    text = checked(write_rows(tmp_path / "rows.parquet", {**columns, "label": draw.integers(0, 2, ROWS)}), "label")
    assert "x: [{rescale: 0.00392157}, {shape: [48]}]" in text
