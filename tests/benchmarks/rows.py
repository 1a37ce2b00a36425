"""Rows: the synthetic data of a workload, the same numbers every time, in Parquet files."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.workloads import WORKLOADS, Workload

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What Keras's `fit` takes: features (rows, ...) and targets (rows, 1) or one-hot; validation is (x, y) or None."""

    features: Floats
    targets: Floats
    validation: tuple[Floats, Floats] | None


def write_rows(workload: Workload, folder: Path) -> None:
    """Writes `job.yaml`, `train.parquet` and, if there are validation rows, `validation.parquet` into the folder.

    Features are random; a random linear teacher decides the class, so that there is something to learn.
    """
    random = np.random.default_rng(7)
    width = int(np.prod(workload.feature_shape))
    teacher = random.normal(size=(width, workload.num_classes))
    for name, rows in (("train", workload.rows), ("validation", workload.validation_rows)):
        if rows:
            stored = _stored(random, workload, (rows, width))
            classes = np.argmax((stored - stored.mean()) @ teacher, axis=1)
            table = pa.table({"x": _lists(stored), "y": classes.astype(np.int32)})
            pq.write_table(table, folder / f"{name}.parquet")
    (folder / "job.yaml").write_text(workload.spec())
    sizes = {name: getattr(workload, name) for name in ("rows", "validation_rows", "epochs")}
    (folder / "workload.json").write_text(json.dumps({"name": workload.name, "sizes": sizes}))


def write_nudged_rows(workload: Workload, folder: Path, nudged: Path, *, by: float, seed: int) -> None:
    """Writes the rows of a folder into another one, as floats of which each is moved by at most `by` of itself."""
    random = np.random.default_rng(seed)
    for name in ("train", "validation"):
        if (folder / f"{name}.parquet").exists():
            features, table = _features(workload, folder / f"{name}.parquet")
            moved = features * (1 + by * random.uniform(-1, 1, size=features.shape))
            columns = {"x": _lists(moved.astype(np.float32)), "y": table["y"]}
            pq.write_table(pa.table(columns), nudged / f"{name}.parquet")
    (nudged / "job.yaml").write_text(replace(workload, pixels=False).spec())


def read_workload(folder: Path) -> Workload:
    """The workload whose rows lie in the folder, with the sizes it was written with."""
    stored = json.loads((folder / "workload.json").read_text())
    return replace(WORKLOADS[stored["name"]], **stored["sizes"])


def read_rows(workload: Workload, folder: Path) -> Rows:
    """The rows as a Keras user would hold them: read once, rescaled once."""
    features, targets = _read(workload, folder / "train.parquet")
    validation = _read(workload, folder / "validation.parquet") if workload.validation_rows else None
    return Rows(features=features, targets=targets, validation=validation)


def _stored(random: np.random.Generator, workload: Workload, shape: tuple[int, int]) -> npt.NDArray[Any]:
    if workload.pixels:
        return random.integers(0, 256, size=shape, dtype=np.uint8)
    return random.normal(size=shape).astype(np.float32)


def _lists(values: npt.NDArray[Any]) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def _read(workload: Workload, path: Path) -> tuple[Floats, Floats]:
    flat, table = _features(workload, path)
    features = flat.reshape(-1, *workload.feature_shape)
    classes = table["y"].to_numpy()
    if workload.one_hot:
        return features, np.eye(workload.num_classes, dtype=np.float32)[classes]
    return features, classes.astype(np.float32)[:, None]


def _features(workload: Workload, path: Path) -> tuple[Floats, Any]:
    """The features as they are trained on, (rows, values of a row), and the file's table."""
    table = pq.read_table(path)
    stored = table["x"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    features = stored.reshape(table.num_rows, -1).astype(np.float32)
    if workload.pixels:
        features *= np.float32(1 / 255)
    return features, table
