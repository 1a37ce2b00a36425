"""joblib with loky: two processes that stay, each with one thread and TensorFlow imported."""

from __future__ import annotations

from joblib import Parallel, delayed

from tests.benchmarks.peers._base import read_work, report
from tests.benchmarks.peers._held_trial import held_trial
from tests.benchmarks.timing import Timing, process_seconds

PROCESSES = 2


def main() -> None:
    work = read_work()
    jobs = [delayed(held_trial)(work.folder, rate, seed) for seed, rate in enumerate(work.learning_rates)]
    parallel = Parallel(
        n_jobs=PROCESSES, backend="loky", batch_size=1, pre_dispatch="all", return_as="generator_unordered"
    )
    ends = [process_seconds() for _ in parallel(jobs)]
    report(Timing.of(ends, at_once=PROCESSES))


if __name__ == "__main__":
    main()
