"""The keras loop with `steps_per_execution` and `jit_compile` chosen by trying a few of each."""

from __future__ import annotations

import time

from tests.benchmarks.peers._base import Execution, Work, read_work, report, train
from tests.benchmarks.rows import Rows
from tests.benchmarks.timing import Timing, process_seconds


def main() -> None:
    work = read_work()
    rows, rates = work.rows(), work.learning_rates
    train(work.workload, rows, learning_rate=rates[0], seed=0)
    ends = [process_seconds()]
    tried = {execution: _seconds(work, rows, execution) for execution in _candidates(work.workload.steps)}
    best = min(tried, key=lambda execution: tried[execution])
    # The trials that were tried are no part of it; its time goes on from the end of the start-up.
    skipped = process_seconds() - ends[0]
    for seed, rate in enumerate(rates[1:], start=1):
        train(work.workload, rows, learning_rate=rate, seed=seed, execution=best)
        ends.append(process_seconds() - skipped)
    note = f"steps_per_execution={best[0]}, jit_compile={best[1]}" if best else "its defaults were best"
    report(Timing.of(ends, note=note))


def _candidates(steps: int) -> list[Execution]:
    return [None, (1, False), (min(16, steps), False), (steps, False), (steps, True)]


def _seconds(work: Work, rows: Rows, execution: Execution) -> float:
    began = time.perf_counter()
    train(work.workload, rows, learning_rate=1e-3, seed=0, execution=execution)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
