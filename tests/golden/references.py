"""The stored references: histories in `stock.json`, weights in `stock.npz`. Imports no TensorFlow."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
HISTORIES, WEIGHTS = FOLDER / "stock.json", FOLDER / "stock.npz"
# Enough to see a wrong number, few enough to keep the file small.
MOST_NUMBERS = 2000


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A history, and a sample of each array of weights."""

    history: Mapping[str, list[float]]
    weights: tuple[Any, ...]


def sample(array: Any) -> Any:
    """Return at most MOST_NUMBERS numbers of an array, evenly spread."""
    flat = np.asarray(array).ravel()
    return flat[:: max(1, -(-len(flat) // MOST_NUMBERS))]


def load() -> dict[str, Reference]:
    """Read all references, by the name of their case."""
    histories = json.loads(HISTORIES.read_text())["cases"]
    with np.load(WEIGHTS) as stored:
        return {
            name: Reference(
                history=history,
                weights=tuple(stored[f"{name}/{index}"] for index in range(_count(stored.files, name))),
            )
            for name, history in histories.items()
        }


def save(references: Mapping[str, Reference]) -> None:
    """Replace the stored references by these."""
    cases = {name: reference.history for name, reference in references.items()}
    HISTORIES.write_text(json.dumps({"versions": versions(), "cases": cases}, indent=1) + "\n")
    arrays = {
        f"{name}/{index}": array
        for name, reference in references.items()
        for index, array in enumerate(reference.weights)
    }
    np.savez_compressed(WEIGHTS, allow_pickle=False, **arrays)


def stored_versions() -> dict[str, str]:
    """Return the versions that the stored references hold for."""
    found: dict[str, str] = json.loads(HISTORIES.read_text())["versions"]
    return found


def versions() -> dict[str, str]:
    """Return the versions of this process: Keras, TensorFlow, and the kind of processor."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    widest = next((name for name in ("avx512f", "avx2", "asimd") if f" {name}" in flags), "unknown vectors")
    processor = f"{platform.machine()} {widest}"
    return {"keras": version("keras"), "tensorflow": version("tensorflow"), "processor": processor}


def assert_near(
    reference: Reference, history: Mapping[str, Any], weights: tuple[Any, ...], *, rtol: float = 1e-4
) -> None:
    """Fail unless a training has the numbers of the reference, to the rounding of another processor or compiler."""
    assert sorted(history) == sorted(reference.history)
    for column, values in reference.history.items():
        np.testing.assert_allclose(history[column], values, rtol=rtol, atol=1e-6, err_msg=column)
    for ours, theirs in zip(map(sample, weights), reference.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=5e-5 * max(1.0, float(np.max(np.abs(theirs)))))


def _count(files: list[str], name: str) -> int:
    return sum(file.startswith(f"{name}/") for file in files)
