"""What is proposed for each kind of target, for rows to validate on, and for rows in an order."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from seqjobs.errors import DataError
from tests.fixtures.files import write_rows

from .small_datasets import ROWS, checked, random_columns

DRAW = np.random.default_rng(5)
X = DRAW.normal(size=ROWS)


@pytest.mark.parametrize(
    ("target", "head", "loss"),
    [
        (DRAW.integers(0, 2, ROWS), "units: 1, activation: sigmoid", "binary_crossentropy"),
        (DRAW.random(ROWS) > 0.5, "units: 1, activation: sigmoid", "binary_crossentropy"),
        (DRAW.integers(0, 2, ROWS).astype(float), "units: 1, activation: sigmoid", "binary_crossentropy"),
        (np.array(["no", "yes"])[DRAW.integers(0, 2, ROWS)], "units: 1, activation: sigmoid", "binary_crossentropy"),
        (np.array(["a", "b", "c"])[DRAW.integers(0, 3, ROWS)], "units: 3, activation: softmax", "sparse_categorical"),
        (DRAW.integers(1, 6, ROWS), "units: 6, activation: softmax", "sparse_categorical"),
        (DRAW.integers(0, 30, ROWS), "units: 30, activation: softmax", "sparse_categorical"),
        (DRAW.integers(-1, 2, ROWS), "units: 1}", "mse"),
        (DRAW.integers(0, 10_000, ROWS), "units: 1}", "mse"),
        (DRAW.normal(1e6, 1e4, ROWS), "units: 1}", "mse"),
        (pa.array(DRAW.normal(size=(ROWS, 3)).tolist()), "units: 3}", "mse"),
    ],
)
def test_the_target_tells_head_and_loss(tmp_path: Path, target: object, head: str, loss: str) -> None:
    text = checked(write_rows(tmp_path / "rows.parquet", {"x": X, "y": target}), "y")
    assert head in text
    assert f"loss: {loss}" in text


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        (pa.array([None, *range(ROWS - 1)]), "E408", "the target 'y' has no value in 1 of 240 rows"),
        (np.full(ROWS, 3), "E406", "the target 'y' has the same value in all rows"),
        ([f"name {row}" for row in range(ROWS)], "E403", "the target 'y' has 240 distinct strings in 240 rows"),
        ([b"png"] * ROWS, "E403", "the target 'y' is 'binary'"),
    ],
)
def test_what_is_no_target_is_refused(tmp_path: Path, target: object, code: str, said: str) -> None:
    with pytest.raises(DataError) as refused:
        checked(write_rows(tmp_path / "rows.parquet", {"x": X, "y": target}), "y")
    assert str(refused.value).startswith(said)
    assert refused.value.code == code


def test_a_target_that_is_not_there_is_told_with_the_one_that_is_meant(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no column 'lable'. Did you mean 'label'.*\[E402\]"):
        checked(write_rows(tmp_path / "rows.parquet", {"x": X, "label": DRAW.integers(0, 2, ROWS)}), "lable")


@pytest.mark.parametrize(
    ("train", "validation", "asked"),
    [
        ("train.parquet", "val.parquet", "train.parquet"),
        ("train/part-0.parquet", "dev/part-0.parquet", "train"),
        ("train/part-0.parquet", "valid/part-0.parquet", "."),
        ("train.parquet", "validation/part-0.parquet", "."),
    ],
)
def test_rows_to_validate_on_are_found(tmp_path: Path, train: str, validation: str, asked: str) -> None:
    for path in (train, validation, "other/val.parquet"):
        write_rows(tmp_path / path, random_columns())
    text = checked(tmp_path / asked, "label")
    assert re.search(rf"^  validation: .*/{validation.partition('/')[0]}\b", text, re.MULTILINE)
    # After the path or, if that is long, above it.
    assert "# found next to the training rows" in text
    assert "metric: val_" in text
    assert "validation_split" not in text
    assert "evaluate" not in text


@pytest.mark.parametrize(
    ("train", "test", "asked"),
    [
        ("train.parquet", "test.parquet", "train.parquet"),
        ("train/part-0.parquet", "testing/part-0.parquet", "train"),
        ("train.parquet", "test/part-0.parquet", "."),
    ],
)
def test_rows_to_test_on_are_left_for_evaluate(tmp_path: Path, train: str, test: str, asked: str) -> None:
    for path in (train, test):
        write_rows(tmp_path / path, random_columns())
    text = checked(tmp_path / asked, "label")
    assert f"  # seqjobs evaluate {tmp_path / test.partition('/')[0]}\n" in text
    assert "\n  validation:" not in text
    assert "  validation_split: 0.2\n" in text
    assert "metric: val_" in text
    write_rows(tmp_path / "val.parquet", random_columns())
    both = checked(tmp_path / asked, "label")
    assert re.search(r"^  validation: .*/val.parquet\b", both, re.MULTILINE)
    assert "# seqjobs evaluate " in both


def test_a_fifth_is_held_back_where_there_is_nothing_to_validate_on(tmp_path: Path) -> None:
    text = checked(write_rows(tmp_path / "rows.parquet", {"x": X, "y": DRAW.integers(0, 3, ROWS)}), "y")
    assert "  validation_split: 0.2\n" in text
    assert "val_accuracy" in text


@pytest.mark.parametrize("target", [np.arange(ROWS) // 80, np.linspace(0, 1, ROWS), np.arange(ROWS) // 120])
def test_of_sorted_rows_none_is_held_back(tmp_path: Path, target: object) -> None:
    text = checked(write_rows(tmp_path / "rows.parquet", {"x": X, "y": target}), "y")
    assert "as in sorted files" in text
    assert "\n  validation_split:" not in text
    assert not re.search(r"(monitor|metric): val_", text)


def test_sorted_rows_of_one_long_file_are_seen(tmp_path: Path) -> None:
    rows = 400_000
    path = write_rows(tmp_path / "rows.parquet", {"x": DRAW.normal(size=rows), "y": np.arange(rows) // (rows // 2)})
    assert "as in sorted files" in checked(path, "y")


def test_of_a_rare_class_the_area_under_the_curve_ranks(tmp_path: Path) -> None:
    rare = (np.arange(ROWS) % 10 == 0) * 1
    text = checked(write_rows(tmp_path / "rows.parquet", {"x": X, "y": rare}), "y")
    assert "metric: val_auc" in text
    assert "# class_weight: balanced" in text
