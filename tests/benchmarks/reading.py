"""What reading costs: rows with operations on columns against Arrow and NumPy by hand, and rows larger than
`data.memory` against the same rows in memory.

`python -m tests.benchmarks.reading` prints seconds and megabytes as JSON. Each fit that is timed has a process of its
own (`--fit MEMORY FOLDER`), whose peak is compared with that of the same fit over a few rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from seqjobs.data.read import read_dataset
from seqjobs.jobspec.load import parse_job
from seqjobs.planning.plan import Plan
from seqjobs.preview import plan_jobs
from tests.benchmarks.child import measured_by
from tests.benchmarks.machine import peak_memory
from tests.conftest import JOBS

REPEATS = 5
MEMORY_MB = 128
COLUMNS = 100
TIMES_THE_MEMORY = 10
PREPARED = """
name: prepared
data:
  train: data/flights/train/*.parquet
  features:
    month: {cyclic: 12}
    dow: one_hot
    hour: [{bucketize: {quantiles: 8}}, one_hot]
    distance: [log1p, standardize]
    dep_delay: [{clip: {low: -60, high: 600}}, {impute: median}, standardize]
  target: late
model: [{Dense: {units: 1, activation: sigmoid}}]
compile: {optimizer: adam, loss: binary_crossentropy}
"""
LARGE = """
name: large
data: {train: "rows-*.parquet", target: y, memory: MEMORY}
model: [{Dense: {units: 64, activation: relu}}, {Dense: {units: 1, activation: sigmoid}}]
compile: {optimizer: adam, loss: binary_crossentropy}
fit: {epochs: 3, batch_size: 256, compile: xla}
objective: {metric: loss, direction: minimize}
"""
Floats = npt.NDArray[np.float64]


def measure(*, memory_mb: int, times_the_memory: float) -> dict[str, float]:
    """Medians of REPEATS, both sides taking turns; of the fits the median epoch behind the first, which compiles."""
    mine, by_hand = [], []
    plan = plan_jobs([parse_job(PREPARED, JOBS / "reading.yaml")])
    for _ in range(REPEATS):
        mine.append(_seconds_of_reading(plan))
        by_hand.append(_seconds_by_hand())
    return {
        "read_seconds": statistics.median(mine),
        "by_hand_seconds": statistics.median(by_hand),
        **_fits(memory_mb, times_the_memory),
    }


def _seconds_of_reading(plan: Plan) -> float:
    began = time.perf_counter()
    read_dataset(plan.datasets[0])
    return time.perf_counter() - began


def _seconds_by_hand() -> float:
    """The same features, as one would write them with Arrow and NumPy."""
    began = time.perf_counter()
    names = ["month", "dow", "hour", "distance", "dep_delay", "late"]
    table = pads.dataset(JOBS / "data/flights/train").to_table(columns=names)
    month, dow, hour, distance, delay = (table[name].to_numpy().astype(np.float64) for name in names[:-1])
    angle = month * (2 * np.pi / 12)
    boundaries = np.unique(np.quantile(hour, np.arange(1, 8) / 8))
    delay = np.clip(delay, -60, 600)
    delay = np.where(np.isnan(delay), np.nanmedian(delay), delay)
    parts = [
        np.stack([np.sin(angle), np.cos(angle)], axis=1),
        _one_hot(dow),
        _one_hot(np.searchsorted(boundaries, hour, side="right").astype(np.float64)),
        _standardized(np.log1p(distance)),
        _standardized(delay),
    ]
    features = np.concatenate([part.astype(np.float32) for part in parts], axis=1)
    target = table["late"].to_numpy().astype(np.int32)
    if not np.isfinite(features).all() or len(target) != len(features):
        raise RuntimeError("the rows have gaps")
    return time.perf_counter() - began


def _standardized(values: Floats) -> Floats:
    found: Floats = (values - values.mean()) / values.std()
    return found.reshape(-1, 1)


def _one_hot(values: Floats) -> npt.NDArray[np.float32]:
    known, rows, counts = np.unique(values, return_inverse=True, return_counts=True)
    places = np.empty(len(known), np.intp)
    places[np.argsort(-counts, kind="stable")] = np.arange(1, len(known) + 1)
    made = np.zeros((len(values), len(known) + 1), np.float32)
    made[np.arange(len(values)), places[rows]] = 1
    return made


def _fits(memory_mb: int, times_the_memory: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        few, many = Path(name) / "few", Path(name) / "many"
        rows = int(times_the_memory * memory_mb * 1e6 / (4 * COLUMNS))
        write_rows(few, 5_000)
        write_rows(many, rows)
        streamed = json.loads(measured_by("tests.benchmarks.reading", "--fit", f"{memory_mb} MB", many))
        in_memory = json.loads(measured_by("tests.benchmarks.reading", "--fit", "64GiB", many))
        base = json.loads(measured_by("tests.benchmarks.reading", "--fit", "64GiB", few))
    return {
        "memory_mb": memory_mb,
        "rows_mb": rows * 4 * COLUMNS / 1e6,
        "streamed_epoch_seconds": streamed["epoch_seconds"],
        "in_memory_epoch_seconds": in_memory["epoch_seconds"],
        "streamed_peak_mb": streamed["peak_mb"] - base["peak_mb"],
        "in_memory_peak_mb": in_memory["peak_mb"] - base["peak_mb"],
    }


def write_rows(folder: Path, rows: int) -> None:
    """Random floats of COLUMNS columns, in files of at most 400,000 rows; a linear teacher tells the class."""
    folder.mkdir()
    random = np.random.default_rng(7)
    teacher = random.normal(size=COLUMNS).astype(np.float32)
    for number, start in enumerate(range(0, rows, 400_000)):
        values = random.integers(-128, 128, size=(min(400_000, rows - start), COLUMNS)).astype(np.float32) / 64
        columns = {f"x{column}": values[:, column] for column in range(COLUMNS)}
        target = (values @ teacher > 0).astype(np.int8)
        pq.write_table(pa.table({**columns, "y": target}), folder / f"rows-{number:03}.parquet", row_group_size=50_000)


def fit(memory: str, folder: Path) -> dict[str, float]:
    """One trial over the rows of a folder, in this process with one thread: its epochs, and the peak of its memory."""
    from seqjobs.execution.start_runner import start_runner  # noqa: PLC0415 (TensorFlow is not for who writes rows)
    from seqjobs.training.outcome import EpochReport  # noqa: PLC0415

    runner = start_runner(1)
    plan = plan_jobs([parse_job(LARGE.replace("MEMORY", memory), folder / "job.yaml")])
    before = psutil.Process().memory_info().rss
    dataset = read_dataset(plan.datasets[0])
    seconds, began = [], time.perf_counter()
    for item in runner.run(plan.packs[0], dataset):
        if isinstance(item, EpochReport):
            seconds.append(time.perf_counter() - began)
            began = time.perf_counter()
    peak = peak_memory() - before
    return {"epoch_seconds": statistics.median(seconds[1:]), "peak_mb": peak / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--memory", type=int, default=MEMORY_MB)
    parser.add_argument("--times", type=float, default=TIMES_THE_MEMORY)
    parser.add_argument("--fit", nargs=2, metavar=("MEMORY", "FOLDER"))
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit(options.fit[0], Path(options.fit[1]))))
    else:
        print(json.dumps(measure(memory_mb=options.memory, times_the_memory=options.times)))


if __name__ == "__main__":
    main()
