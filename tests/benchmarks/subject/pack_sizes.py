"""Trials of five models in packs of more and more places, on one core: `python -m tests.benchmarks.subject.pack_sizes`.

Prints what it found as JSON, a list of PackSizes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.jobspec.load import parse_job
from seqjobs.jobspec.shapes import count_parameters
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.preview import plan_jobs
from seqjobs.training.trial_runner import TrialRunner
from tests.benchmarks.results import PackSizes

PLACES = (1, 4, 16, 64, 256)
EPOCHS = 6
REPEATS = 3
MOST_SECONDS = 8.0
"""More places than take this long are not tried."""


@dataclass(frozen=True, kw_only=True)
class Model:
    features: int
    units: tuple[int, ...]
    batch_size: int
    rows: int

    @property
    def name(self) -> str:
        return "-".join(map(str, (self.features, *self.units, 1)))

    def plan(self, folder: Path) -> Plan:
        """Trials that differ in the learning rate; their data is written into the folder."""
        random = np.random.default_rng(3)
        rows = random.normal(size=(self.rows, self.features)).astype(np.float32)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), self.features)
        pq.write_table(pa.table({"x": lists, "y": (rows[:, 0] > 0).astype(np.int8)}), folder / f"{self.name}.parquet")
        layers = [f"{{Dense: {{units: {units}, activation: relu}}}}" for units in self.units]
        text = (
            f"name: sizes\ndata: {{train: {self.name}.parquet, features: [x], target: y}}\n"
            f"model: [{', '.join(layers)}, {{Dense: {{units: 1, activation: sigmoid}}}}]\n"
            "compile: {optimizer: {Adam: {learning_rate: {log_uniform: [1e-4, 1e-2]}}}, loss: binary_crossentropy}\n"
            f"fit: {{epochs: {EPOCHS}, batch_size: {self.batch_size}, compile: xla}}\n"
            f"search: {{trials: {max(PLACES)}}}\nobjective: {{metric: loss, direction: minimize}}\n"
        )
        return plan_jobs([parse_job(text, folder / "job.yaml", ())])


MODELS = (
    Model(features=30, units=(16,), batch_size=32, rows=455),
    Model(features=30, units=(128,), batch_size=32, rows=455),
    Model(features=100, units=(64, 64), batch_size=64, rows=1280),
    Model(features=100, units=(256, 128), batch_size=64, rows=1280),
    Model(features=784, units=(128, 64), batch_size=32, rows=960),
)


def measure(model: Model, runner: TrialRunner, places: tuple[int, ...] = PLACES) -> PackSizes:
    """Medians over REPEATS of the time of a pack, divided by its trials and steps; programs are compiled before."""
    with tempfile.TemporaryDirectory() as folder:
        plan = model.plan(Path(folder))
        dataset = read_dataset(plan.datasets[0])
    steps = EPOCHS * -(-model.rows // model.batch_size)
    times = []
    for size in places:
        pack = replace(plan.packs[0], program_key=f"of {size}", trials=plan.trials[:size], size=size)
        times.append(_median_seconds(runner, pack, dataset))
        if times[-1] > MOST_SECONDS:
            break
    return PackSizes(
        model=model.name,
        parameters=count_parameters(plan.trials[0].spec.model, (model.features,)),
        batch_size=model.batch_size,
        places=places[: len(times)],
        step_seconds=tuple(seconds / size / steps for size, seconds in zip(places, times, strict=False)),
    )


def _median_seconds(runner: TrialRunner, pack: Pack, dataset: Dataset) -> float:
    def once() -> float:
        began = time.perf_counter()
        for _ in runner.run(pack, dataset):
            pass
        return time.perf_counter() - began

    once()
    return statistics.median(once() for _ in range(REPEATS))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=len(MODELS), help="so many of them, the smallest first")
    parser.add_argument("--most", type=int, default=max(PLACES), help="no more places than these")
    options = parser.parse_args()
    runner = TrialRunner.start(1)
    places = tuple(size for size in PLACES if size <= options.most)
    found = [measure(model, runner, places) for model in MODELS[: options.models]]
    print(json.dumps([one.model_dump(mode="json") for one in found]), flush=True)


if __name__ == "__main__":
    main()
