"""What is suspicious in rows that can be trained on: each sign is reported, and clean rows give no warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seqjobs.data.data_source import DataSource
from seqjobs.data.read import read_dataset
from seqjobs.data.streamed.scratch import remove_rows
from seqjobs.data.streamed.stored_rows import StoredRows
from seqjobs.jobspec.data_section import DataSpec
from tests.fixtures.files import write_rows

ROWS = 400
DRAW = np.random.default_rng(11)


def columns(rows: int = ROWS) -> dict[str, object]:
    return {
        "a": DRAW.normal(size=rows),
        "b": DRAW.integers(0, 9, rows),
        "town": np.array(["Ulm", "Bonn", "Jena"])[DRAW.integers(0, 3, rows)],
        "label": DRAW.integers(0, 3, rows),
    }


def warnings_of(
    folder: Path, train: Mapping[str, object], validation: Mapping[str, object] | None = None
) -> tuple[str, ...]:
    """The same of rows in memory and of those that are streamed from a file."""
    write_rows(folder / "train.parquet", train)
    spec: dict[str, object] = {"train": "train.parquet", "target": "label"}
    spec["features"] = {name: "one_hot" if name in ("town", "status") else "raw" for name in train if name != "label"}
    if validation is not None:
        write_rows(folder / "test.parquet", validation)
        spec["validation"] = "test.parquet"
    in_memory = DataSource(id="d", spec=DataSpec.model_validate(spec), folder=folder)
    found = read_dataset(in_memory)
    streamed = read_dataset(replace(in_memory, spec=in_memory.spec.model_copy(update={"memory": 100})))
    stored: object = streamed.train.features
    assert isinstance(stored, StoredRows)
    assert streamed.warnings == found.warnings
    remove_rows(found.fingerprint)
    return found.warnings


def test_of_clean_rows_nothing_is_said(tmp_path: Path) -> None:
    assert warnings_of(tmp_path, columns(), columns(100)) == ()


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_a_column_that_equals_the_target(tmp_path: Path, dtype: type) -> None:
    train = columns()
    train["copy"] = np.asarray(train["label"]).astype(dtype)
    (warning,) = warnings_of(tmp_path, train)
    assert warning.startswith("column 'copy' separates the classes of the target without an exception")


def test_a_number_whose_thresholds_tell_the_class(tmp_path: Path) -> None:
    train = columns()
    train["delay"] = np.asarray(train["label"]) * 15 + DRAW.uniform(0, 14, ROWS)
    assert any("'delay' separates" in warning for warning in warnings_of(tmp_path, train))
    # One row that does not keep to it is enough to be no rule.
    delay = np.asarray(train["delay"])
    delay[np.argmax(train["label"] == np.int64(0))] = 40
    assert warnings_of(tmp_path, train) == ()


def test_strings_of_which_each_has_one_class(tmp_path: Path) -> None:
    train = columns()
    train["status"] = np.array(["x", "y", "x"])[np.asarray(train["label"])]
    assert warnings_of(tmp_path, train) == ()  # x is of two classes
    train["status"] = np.array(["z", "y", "x"])[np.asarray(train["label"])]
    assert any("'status' has only one class" in warning for warning in warnings_of(tmp_path, train))


def test_a_number_that_is_the_target_in_another_unit(tmp_path: Path) -> None:
    train = columns()
    train["label"] = DRAW.normal(60, 10, ROWS)
    train["celsius"] = (np.asarray(train["label"]) - 32) / 1.8
    (warning,) = warnings_of(tmp_path, train)
    assert warning.startswith("column 'celsius' is the target in another unit")


def test_columns_that_never_differ(tmp_path: Path) -> None:
    train = {**columns(2000), "one": np.ones(2000), "two": np.full(2000, 2), "late": np.arange(2000) // 1999}
    (warning,) = warnings_of(tmp_path, train)
    assert warning.startswith("columns 'one', 'two' have the same value in all 2,000 training rows")


def test_validation_rows_that_are_trained_on(tmp_path: Path) -> None:
    train, validation = columns(), columns(100)
    for name, values in validation.items():
        np.asarray(values)[:7] = np.asarray(train[name])[50:57]
    (warning,) = warnings_of(tmp_path, train, validation)
    assert warning.startswith("7 of 100 validation rows have the features of a training row")


def test_rows_of_few_categories_meet_by_chance(tmp_path: Path) -> None:
    few = [{"b": DRAW.integers(0, 9, rows), "label": DRAW.integers(0, 2, rows)} for rows in (ROWS, 100)]
    assert warnings_of(tmp_path, few[0], few[1]) == ()


def test_classes_of_few_rows_and_of_most(tmp_path: Path) -> None:
    train = columns()
    train["label"] = np.where(np.arange(ROWS) < 3, "rare", np.where(np.arange(ROWS) < 20, "some", "most"))
    rare, most = warnings_of(tmp_path, train)
    assert rare == "target 'label' has classes with fewer than 5 training rows: 'rare' (3)"
    assert most.startswith("95% of the training rows are of class 'most', so a high accuracy means little")


def test_a_handful_of_rows_says_nothing_of_leaks(tmp_path: Path) -> None:
    train = {"a": np.arange(20.0), "label": np.arange(20) // 10}
    assert warnings_of(tmp_path, train) == ()
