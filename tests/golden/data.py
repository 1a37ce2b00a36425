"""The rows of the cases. NumPy promises the stream of `RandomState` for good, so they are the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.fixtures.files import write_rows

Arrays = dict[str, Any]

ROWS = {"train": 200, "test": 60}
NUM_CLASSES = 10
# Widths of the features: 28 x 28 pixels, a hundred numbers, and steps of a series.
PIXELS, NUMBERS, STEPS = 784, 100, (6, 4)


def arrays(split: str) -> Arrays:
    """Return the columns of a split: `pixels` (rows, 784), `numbers` (rows, 100), `series` (rows, 24) and targets."""
    random = np.random.RandomState({"train": 1, "test": 2}[split])
    patterns = np.random.RandomState(3)
    rows = ROWS[split]
    label = random.randint(NUM_CLASSES, size=rows)
    pixels = patterns.randint(150, size=(NUM_CLASSES, PIXELS))[label] + random.randint(100, size=(rows, PIXELS))
    numbers = patterns.normal(size=(NUM_CLASSES, NUMBERS))[label] + random.normal(size=(rows, NUMBERS))
    series = random.normal(size=(rows, *STEPS))
    return {
        "pixels": pixels.astype(np.uint8),
        "numbers": numbers.astype(np.float32),
        "series": series.reshape(rows, -1).astype(np.float32),
        "label": label.astype(np.int32),
        "yes": (label < NUM_CLASSES // 2).astype(np.int8),
        "score": (series[:, :, 0].sum(axis=1) - series[:, -1, 1]).astype(np.float32),
        "weight": random.uniform(0.1, 3, rows).astype(np.float32),
    }


def write(folder: Path) -> None:
    """Write `train.parquet` and `test.parquet` into the folder."""
    for split in ROWS:
        columns = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
            if values.ndim == 2
            else values
            for name, values in arrays(split).items()
        }
        write_rows(folder / f"{split}.parquet", columns)
