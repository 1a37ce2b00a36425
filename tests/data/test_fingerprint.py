from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .conftest import Folder

X = np.arange(40, dtype=np.float32).reshape(20, 2)
LABEL = np.arange(20) % 3


def rows(values: slice = slice(None), **changes: Any) -> dict[str, Any]:
    columns = {"x": list(X[values]), "y": LABEL[values] * 2, "label": LABEL[values], **changes}
    return {name: list(column) for name, column in columns.items()}


def test_it_depends_on_neither_files_nor_row_groups_nor_compression(folder: Folder) -> None:
    folder.write(rows())
    expected = folder.read().fingerprint
    assert len(expected) == 64
    folder.write(rows(), "z.parquet", compression="zstd", row_group_size=3)
    assert folder.read(train="z.parquet").fingerprint == expected
    for start in range(0, 20, 2):
        folder.write(rows(slice(start, start + 2)), f"ten/{start:02}.parquet", compression="gzip")
    assert folder.read(train="ten").fingerprint == expected


@pytest.mark.parametrize(
    "changes",
    [{"x": [*X[:-1], X[0]]}, {"label": [*LABEL[:-1], 2]}, {"x": list(X[::-1])}, {"y": np.float32(LABEL * 2)}],
    ids=["a value", "a label", "the order of rows", "a type"],
)
def test_it_changes_with_the_rows(folder: Folder, changes: dict[str, Any]) -> None:
    assert LABEL[-1] != 2
    spec = {"features": ["x"]} if "y" not in changes else {"features": ["y"]}
    folder.write(rows())
    before = folder.read(**spec).fingerprint
    folder.write(rows(**changes))
    assert folder.read(**spec).fingerprint != before


def test_it_changes_with_names_shape_scale_and_validation(folder: Folder) -> None:
    folder.write(rows())
    folder.write({"renamed": list(X), "label": list(LABEL)}, "renamed.parquet")
    specs: list[dict[str, Any]] = [
        {"features": ["x"]},
        {"features": ["y"]},
        {"features": ["x", "y"]},
        {"features": ["y", "x"]},
        {"features": {"x": {"shape": [1, 2]}}},
        {"features": {"x": {"rescale": 0.5}}},
        {"features": ["x"], "validation": "train.parquet"},
        {"features": ["x"], "train": ["train.parquet"], "target": "y"},
        {"features": ["renamed"], "train": "renamed.parquet"},
    ]
    assert len({folder.read(**spec).fingerprint for spec in specs}) == len(specs)


def test_it_changes_with_the_classes(folder: Folder) -> None:
    folder.write(rows(label=["a", "b"] * 10))
    before = folder.read()
    folder.write(rows(label=["a", "c"] * 10))
    after = folder.read()
    np.testing.assert_array_equal(before.train.target, after.train.target)
    assert before.fingerprint != after.fingerprint


def test_it_is_the_same_in_every_version(folder: Folder) -> None:
    folder.write(rows())
    assert folder.read(features={"x": {"rescale": 0.5}}).fingerprint == (
        "4f2f8dccb6662a8d9673c8deba583cd6b5c3ee23ef8a1e6567094ba9ec73d830"
    )
