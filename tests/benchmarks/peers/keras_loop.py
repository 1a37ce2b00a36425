"""A loop over `keras.Sequential.fit` in one process, as most people begin."""

from __future__ import annotations

from tests.benchmarks.peers._base import read_work, report, train
from tests.benchmarks.timing import Timing, process_seconds


def main() -> None:
    work = read_work()
    rows, ends = work.rows(), []
    for seed, rate in enumerate(work.learning_rates):
        train(work.workload, rows, learning_rate=rate, seed=seed)
        ends.append(process_seconds())
    report(Timing.of(ends))


if __name__ == "__main__":
    main()
