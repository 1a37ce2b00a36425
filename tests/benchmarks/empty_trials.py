"""What a trial costs outside training: thousands of trials that train nothing, through real Ray and a real run folder.

`python -m tests.benchmarks.empty_trials N` prints the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from seqjobs.execution.ray_pool import RayPool
from seqjobs.jobspec.load import parse_job
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.preview import plan_jobs
from seqjobs.results.progress import Silent
from seqjobs.results.run import Run
from seqjobs.run import run_job
from seqjobs.store.local_store import LocalStore
from tests.benchmarks.machine import peak_memory
from tests.fixtures.fake_runner import StartFake
from tests.fixtures.warm_pool import Warm

WORKERS = 2
WARM_UP_TRIALS = 50
PACK, RUNS = 64, 3
SPEC = """
name: empty
data: {train: rows.parquet, features: [x0, x1], target: yes}
model:
  - Dense: {units: {choice: [4, 8, 16, 32]}, activation: relu}
  - Dense: {units: 1, activation: sigmoid}
compile: {optimizer: {Adam: {learning_rate: {log_uniform: [1e-4, 1e-1]}}}, loss: binary_crossentropy}
fit: {epochs: 3, batch_size: 32, validation_split: 0.5}
"""


def measure(num_trials: int) -> dict[str, float]:
    """What `num_trials` empty trials cost this process, from the spec's text to the last derived file.

    They train nothing and print nothing. `cpu_seconds_per_trial` and, in packs of PACK, `packed_cpu_seconds_per_trial`,
    the medians of RUNS; of one run `wall_seconds_per_trial`; `rss_growth_mb` in 10^6 bytes, from before the plan to
    after the end, with the plan and the run's results still held; and `peak_rss_growth_mb`. A short run before them
    pays for what is paid once: imports, Ray, the workers.
    """
    with tempfile.TemporaryDirectory() as folder, RayPool({Resources(): num_trials}, workers=WORKERS,
                                                          start=StartFake(prints=False)) as pool:  # fmt: skip
        root, executor = Path(folder), Warm(pool)
        write_rows(root / "rows.parquet")
        _run(root, "warm-up", WARM_UP_TRIALS, executor)
        _run(root, "warm-up-in-packs", WARM_UP_TRIALS, executor, PACK)
        process = psutil.Process()
        rss, wall = process.memory_info().rss, time.perf_counter()
        plan, run = _run(root, "measured", num_trials, executor)
        figures = {
            "trials": float(run.num_finished),
            "wall_seconds_per_trial": (time.perf_counter() - wall) / num_trials,
            "rss_growth_mb": (process.memory_info().rss - rss) / 1e6,
            "peak_rss_growth_mb": (peak_memory() - rss) / 1e6,
        }
        for name, pack in (("cpu_seconds_per_trial", "off"), ("packed_cpu_seconds_per_trial", PACK)):
            runs = [_cpu_seconds(root, f"{name}-{number}", num_trials, executor, pack) for number in range(RUNS)]
            figures[name] = statistics.median(runs) / num_trials
    if run.num_finished != len(plan.trials):
        raise RuntimeError(f"{run.num_finished} of {len(plan.trials)} trials finished")
    return figures


def _cpu_seconds(root: Path, name: str, num_trials: int, executor: Warm, pack: int | str) -> float:
    cpu = time.process_time()
    _run(root, name, num_trials, executor, pack)
    return time.process_time() - cpu


def _run(root: Path, name: str, num_trials: int, executor: Warm, pack: int | str = "off") -> tuple[Plan, Run]:
    plan = plan_jobs([parse_job(SPEC, root / "job.yaml", (f"search.trials={num_trials}", f"fit.pack={pack}"))])
    return plan, run_job(plan.table, executor, LocalStore(root / name), Silent())


def write_rows(path: Path) -> None:
    random = np.random.default_rng(1)
    columns = {name: random.normal(size=64).astype(np.float32) for name in ("x0", "x1")}
    pq.write_table(pa.table({**columns, "yes": (columns["x0"] > 0).astype(np.int8)}), path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", type=int, nargs="?", default=10_000)
    print(json.dumps(measure(parser.parse_args().trials)))


if __name__ == "__main__":
    main()
