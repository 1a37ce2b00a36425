"""Train trials in this process, in any way the product can. Importing this module does not import TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqjobs.data.dataset import Dataset
from seqjobs.data.read import read_dataset
from seqjobs.planning.plan import Plan
from seqjobs.planning.trial import Pack
from seqjobs.training.outcome import EpochReport, PackCheckpoint, PackRunner, TrialOutcome, Weights

Trained = tuple[TrialOutcome, Weights]


def dataset_of(plan: Plan) -> Dataset:
    (source,) = plan.datasets
    return read_dataset(source)


def train(runner: PackRunner, pack: Pack, dataset: Dataset) -> Trained:
    """Train the only trial of a pack; return its outcome and weights.

    On a slow machine it may last until a checkpoint is due.
    """
    passed_over = (EpochReport, PackCheckpoint)
    outcome, weights = (item for item in runner.run(pack, dataset) if not isinstance(item, passed_over))
    assert isinstance(outcome, TrialOutcome)
    assert isinstance(weights, tuple)
    return outcome, weights


def fresh_runner() -> PackRunner:
    """Return a runner that holds no program yet, once the fixture `runner` has set TensorFlow up."""
    from seqjobs.training.trial_runner import TrialRunner  # noqa: PLC0415 (imports TensorFlow)

    return TrialRunner(("CPU",))


def train_fresh(pack: Pack, dataset: Dataset) -> Trained:
    """Train a pack in a runner that holds no program yet."""
    return train(fresh_runner(), pack, dataset)


def same_bits(left: Trained, right: Trained) -> bool:
    (outcome, weights), (other, others) = left, right
    assert outcome.failure is None
    assert other.failure is None
    histories = outcome.history == other.history and outcome.weights_epoch == other.weights_epoch
    return histories and all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


def assert_close(ours: Trained, theirs: Trained, *, rtol: float = 1e-5) -> None:
    """Histories and final weights as close as another order of additions leaves them."""
    (outcome, weights), (other, others) = ours, theirs
    assert outcome.failure is None, outcome.failure
    assert other.failure is None, other.failure
    assert list(outcome.history) == list(other.history)
    for column, values in other.history.items():
        np.testing.assert_allclose(outcome.history[column], values, rtol=rtol, atol=1e-7, err_msg=column)
    for mine, expected in zip(weights, others, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-3, atol=_absolute(mine))


def _absolute(weights: Any) -> float:
    return 1e-5 * max(1.0, float(np.max(np.abs(weights), initial=0)))
