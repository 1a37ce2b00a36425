"""Small datasets of every kind of column, written as files."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from seqjobs.drafting import draft_spec
from seqjobs.planning.plan import Plan
from tests.fixtures.plans import plan_of_texts

ROWS = 240


def random_columns(seed: int = 0) -> dict[str, object]:
    """A column of each kind, and a `label` that none of them tells."""
    draw = np.random.default_rng(seed)
    start = datetime(2024, 1, 1)
    return {
        "plain": draw.normal(size=ROWS),
        "price": draw.lognormal(sigma=2, size=ROWS),
        "rooms": draw.integers(1, 6, ROWS),
        "ok": draw.random(ROWS) > 0.5,
        "gap": pa.array([None if value < 0 else value for value in draw.normal(size=ROWS)]),
        "town": np.array(["Ulm", "Bonn", "Köln"])[draw.integers(0, 3, ROWS)],
        "street": pa.array([None if value == 0 else f"street {value}" for value in draw.integers(0, 60, ROWS)]),
        "key": [f"k{value}" for value in range(ROWS)],
        "row": np.arange(ROWS) + 7,
        "same": np.full(ROWS, 3.0),
        "when": [start + timedelta(hours=int(hour)) for hour in draw.integers(0, 4000, ROWS)],
        "day": [str((start + timedelta(days=int(day))).date()) for day in draw.integers(0, 300, ROWS)],
        "window": pa.array(draw.normal(size=(ROWS, 6)).tolist(), pa.list_(pa.float32(), 6)),
        "steps": [draw.normal(size=size).tolist() for size in draw.integers(1, 9, ROWS)],
        "wild": np.where(draw.random(ROWS) < 0.05, np.inf, draw.normal(size=ROWS)),
        "parts": [{"a": 1}] * ROWS,
        "yes: no, #1": draw.normal(size=ROWS),
        "null": draw.normal(size=ROWS),
        "tab\tline\nend\x1b[31m\u2028": draw.normal(size=ROWS),
        '"quoted" \\ {choice}': draw.normal(size=ROWS),
        "label": draw.integers(0, 2, ROWS),
        ".5": draw.normal(size=ROWS),
    }


def pictures(height: int, width: int, mode: str = "RGB") -> list[bytes]:
    draw = np.random.default_rng(3)
    found = []
    for _ in range(ROWS):
        shape = (height, width, 3) if mode == "RGB" else (height, width)
        buffer = io.BytesIO()
        Image.fromarray(draw.integers(0, 255, shape, dtype=np.uint8), mode).save(buffer, "PNG")
        found.append(buffer.getvalue())
    return found


def checked(path: Path, target: str, validation: str | None = None) -> str:
    """The drafted spec, once it has been found to fit its data as `seqjobs plan` finds it."""
    out = path.parent / "drafted.yaml"
    text = draft_spec(str(path), target, validation=validation, out=out)
    plan = plan_of_texts(out.parent, text)
    every_width_is_tried(plan, 3 * text.count("{choice: "))
    return text


def every_width_is_tried(plan: Plan, num_options: int) -> None:
    """Of few draws all may be alike, and a search that tries one width shows nothing."""
    tried = {pair for trial in plan.trials for pair in trial.hyperparameters.items() if isinstance(pair[1], int)}
    assert len(tried) == num_options, tried
