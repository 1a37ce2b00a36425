"""Weights of rows and of classes: trials against plain Keras with `sample_weight` and `class_weight`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqjobs.execution.in_process import InProcess
from seqjobs.training.epoch_order import epoch_order
from seqjobs.training.outcome import TrialOutcome
from tests.fixtures.files import write_rows
from tests.fixtures.plans import plan_of_texts
from tests.training.conftest import Once

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runner")]

SPEC = """
name: weighed
seed: 3
data:
  train: train.parquet
  validation: test.parquet
  features: [x0, x1, x2, x3, x4, x5]
  target: kind
  sample_weight: w
model:
  - Dense: {units: 8, activation: relu}
  - Dense: {units: 4, activation: softmax}
compile:
  optimizer: {Adam: {learning_rate: 0.01}}
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  weighted_metrics: [accuracy, SparseTopKCategoricalAccuracy: {k: 2}]
fit: {epochs: 3, batch_size: 32, shuffle: false}
"""
COLUMNS = ("loss", "accuracy", "weighted_accuracy", "sparse_top_k_categorical_accuracy")
WORDS = ("high", "low", "mid", "top")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What plain Keras is given."""

    x: Any
    y: Any
    w: Any

    def part(self, rows: Any) -> Rows:
        return Rows(x=self.x[rows], y=self.y[rows], w=self.w[rows])


@pytest.fixture(scope="module")
def folder(points: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The points, with a weight for each row: some 0, and none of them 1."""
    folder = tmp_path_factory.mktemp("weighed")
    for seed, name in enumerate(("train", "test")):
        table = pq.read_table(points / f"{name}.parquet")
        random = np.random.default_rng(seed)
        weights = random.uniform(0.1, 3, len(table)) * (random.random(len(table)) > 0.1)
        write_rows(folder / f"{name}.parquet", table.append_column("w", pa.array(weights)))
    return folder


@pytest.fixture
def train(folder: Path) -> Iterator[Callable[..., TrialOutcome]]:
    with InProcess() as executor:

        def run(*overrides: str, text: str = SPEC) -> TrialOutcome:
            plan = plan_of_texts(folder, text, overrides=overrides)
            executor.load(plan.datasets)
            for event in executor.run(plan.packs, {}):
                if members := getattr(event, "members", None):
                    outcome: TrialOutcome = members[0].outcome
                    assert outcome.failure is None
                    return outcome
            raise AssertionError("the pack did not end")

        yield run


def rows(folder: Path, name: str, target: str) -> Rows:
    table = pq.read_table(folder / f"{name}.parquet")
    x = np.stack([table[f"x{index}"].to_numpy() for index in range(6)], axis=1)
    return Rows(x=x, y=table[target].to_numpy(), w=table["w"].to_numpy().astype("float32"))


def plain_fit(
    training: Rows, validation: Rows, *, class_weight: Any = None, orders: Any = (slice(None),) * 3, **options: Any
) -> dict[str, list[float]]:
    """The history of a fit with the rows of each epoch in one of the orders."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(4, activation="softmax")]
    )
    compiled = {
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        "weighted_metrics": ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)],
    }
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False, **{**compiled, **options})
    history: dict[str, list[float]] = {}
    for order in orders:
        epoch = training.part(order)
        fitted = model.fit(
            epoch.x,
            epoch.y,
            # Of the two, Keras takes one at a time.
            sample_weight=epoch.w if class_weight is None else None,
            class_weight=class_weight,
            batch_size=32,
            shuffle=False,
            verbose=0,
            validation_data=(validation.x, validation.y, validation.w),
            validation_batch_size=32,
        )
        for column, (value,) in fitted.history.items():
            history.setdefault(column, []).append(value)
    return history


def assert_same(outcome: TrialOutcome, history: dict[str, list[float]]) -> None:
    assert sorted(outcome.history) == sorted(history)
    for column, values in history.items():
        np.testing.assert_allclose(outcome.history[column], values, rtol=1e-5, err_msg=column)


COMPILED = pytest.mark.parametrize("compiled", ["stock", "auto"])


@pytest.mark.parametrize("compiled", ["stock", "auto", "graph", "xla"])
def test_rows_count_by_their_weights(
    folder: Path, train: Callable[..., TrialOutcome], once: Once, compiled: str
) -> None:
    outcome = train(f"fit.compile={compiled}")
    training, validation = rows(folder, "train", "kind"), rows(folder, "test", "kind")
    history = once("weights", lambda: plain_fit(training, validation))
    assert_same(outcome, history)
    assert set(history) == {*COLUMNS, *(f"val_{column}" for column in COLUMNS)}
    assert history["val_accuracy"] != history["val_weighted_accuracy"]


@COMPILED
def test_rows_count_by_their_class_but_not_where_they_validate(
    folder: Path, train: Callable[..., TrialOutcome], once: Once, compiled: str
) -> None:
    text = SPEC.replace("  sample_weight: w\n", "")
    outcome = train(f"fit.compile={compiled}", "fit.class_weight={0: 0.3, 2: 4}", text=text)
    training, validation = rows(folder, "train", "kind"), rows(folder, "test", "kind")
    alike = Rows(x=validation.x, y=validation.y, w=None)
    assert_same(outcome, once("classes", lambda: plain_fit(training, alike, class_weight={0: 0.3, 2: 4.0})))


@COMPILED
def test_classes_of_words_are_balanced_over_the_rows_before_the_split(
    folder: Path, train: Callable[..., TrialOutcome], once: Once, compiled: str
) -> None:
    text = SPEC.replace("  validation: test.parquet\n", "").replace("target: kind", "target: word")
    overrides = (f"fit.compile={compiled}", "fit.class_weight=balanced", "fit.validation_split=0.2")
    outcome = train(*overrides, "compile.loss=categorical_crossentropy", "compile.metrics=[mse]",
                    "compile.weighted_metrics=[mse, accuracy]", text=text)  # fmt: skip
    found = rows(folder, "train", "word")
    classes = np.searchsorted(WORDS, found.y.astype(str))
    counts = np.bincount(classes[:162])
    # Keras's own split of 203 rows at 0.2: the last 41 validate.
    by_class = np.where(np.arange(203) < 162, (162 / (4 * counts))[classes], 1)
    product = Rows(x=found.x, y=np.eye(4, dtype="float32")[classes], w=(found.w * by_class).astype("float32"))
    history = once(
        "balanced",
        lambda: plain_fit(
            product.part(slice(0, 162)),
            product.part(slice(162, None)),
            loss="categorical_crossentropy",
            metrics=["mse"],
            weighted_metrics=["mse", "accuracy"],
        ),
    )
    assert_same(outcome, history)


@COMPILED
def test_a_yes_or_no_has_classes(folder: Path, train: Callable[..., TrialOutcome], once: Once, compiled: str) -> None:
    text = SPEC.replace("target: kind\n  sample_weight: w", "target: yes")
    overrides = ("model.1.Dense.units=1", "model.1.Dense.activation=sigmoid", "compile.loss=binary_crossentropy",
                 "compile.weighted_metrics=[]", "fit.class_weight={1: 3}")  # fmt: skip
    outcome = train(f"fit.compile={compiled}", *overrides, text=text)
    assert_same(outcome, once("yes", lambda: plain_fit_of_yes(folder)))


def plain_fit_of_yes(folder: Path) -> Any:
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    training, validation = rows(folder, "train", "yes"), rows(folder, "test", "yes")
    options: dict[str, Any] = {"epochs": 3, "batch_size": 32, "shuffle": False, "verbose": 0}
    held = (validation.x, validation.y)
    return model.fit(training.x, training.y, class_weight={1: 3.0}, validation_data=held, **options).history


@COMPILED
def test_weights_follow_their_rows_into_the_order_of_an_epoch(
    folder: Path, train: Callable[..., TrialOutcome], once: Once, compiled: str
) -> None:
    outcome = train(f"fit.compile={compiled}", "fit.shuffle=true")
    training, validation = rows(folder, "train", "kind"), rows(folder, "test", "kind")
    orders = [epoch_order(203, seed=3, epoch=epoch) for epoch in range(3)]
    assert_same(outcome, once("orders", lambda: plain_fit(training, validation, orders=orders)))
