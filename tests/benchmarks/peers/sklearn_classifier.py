"""scikit-learn's MLPClassifier: the small network with Adam in batches of 32, without TensorFlow."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from tests.benchmarks.peers._base import read_work, report
from tests.benchmarks.timing import Timing, process_seconds
from tests.benchmarks.workloads.small import UNITS


def main() -> None:
    work, ends = read_work(), []
    rows = work.rows()
    # It means that the epochs were as few as they were asked to be.
    warnings.simplefilter("ignore", ConvergenceWarning)
    for seed, rate in enumerate(work.learning_rates):
        model = MLPClassifier(
            (UNITS,),
            batch_size=work.workload.batch_size,
            learning_rate_init=rate,
            max_iter=work.workload.epochs,
            n_iter_no_change=work.workload.epochs,
            random_state=seed,
        )
        model.fit(rows.features, rows.targets.ravel())
        if rows.validation is not None:
            model.predict_proba(rows.validation[0])
        ends.append(process_seconds())
    report(Timing.of(ends))


if __name__ == "__main__":
    main()
