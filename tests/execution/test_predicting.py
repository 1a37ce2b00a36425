"""Workers predict and evaluate new rows: in order, and whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from seqjobs.data.dataset import Array
from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.data.new_rows import NewBatch
from seqjobs.data.place import Place
from seqjobs.data.read import read_dataset
from seqjobs.errors import DataError, UnforeseenError
from seqjobs.execution.ray_pool import RayPool
from seqjobs.operations.standardize import Standardize
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from seqjobs.training.finished_model import FinishedModel
from tests.conftest import MakePlan
from tests.fixtures.fake_runner import StartFake

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ROWS = 10


@pytest.fixture(scope="module")
def pool() -> Iterator[RayPool]:
    with RayPool({Resources(): 2}, workers=2, start=StartFake()) as entered:
        yield entered


def finished(plan: Plan) -> FinishedModel:
    weights = (np.ones((6, 1), np.float32),)
    preparation = read_dataset(plan.datasets[0]).preparation
    return FinishedModel(trial=plan.trials[0], weights=weights, digest="d", preparation=preparation, classes=None)


def batch(number: int, *, first: str = "x0") -> NewBatch:
    columns = {name: pa.array(np.full(1000, number, np.float32)) for name in (first, "x1", "x2", "x3", "x4", "x5")}
    rows = pa.RecordBatch.from_pydict(columns).slice(100, ROWS)
    return NewBatch(rows=rows, place=Place(path="rows.csv", first_row=number * ROWS))


def test_batches_come_back_in_order_though_a_worker_dies(pool: RayPool, make_points_plan: MakePlan) -> None:
    taken: list[int] = []

    def batches() -> Iterator[NewBatch]:
        for number in range(30):
            taken.append(number)
            if number == 10:
                os.kill(pool.describe().pid, signal.SIGKILL)
            yield batch(number)

    found: list[Array] = []
    for answer in pool.predict(finished(make_points_plan()), batches()):
        assert answer.outputs is not None
        assert len(taken) - len(found) <= 5  # two for each of two workers, and the one that was just answered
        found.append(answer.outputs)
    assert np.concatenate(found)[:, 0].tolist() == np.repeat(np.arange(30.0) * 6, ROWS).tolist()


def test_a_batch_is_sent_without_the_rows_around_it() -> None:
    assert len(batch(1).__reduce__()[1][0]) < 3000


def test_what_is_wrong_with_data_is_told_as_that(pool: RayPool, make_points_plan: MakePlan) -> None:
    model = finished(make_points_plan())
    strings = pa.RecordBatch.from_pydict({f"x{index}": pa.array(["a"]) for index in range(6)})
    wrong = NewBatch(rows=strings, place=Place(path="rows.csv", first_row=0))
    with pytest.raises(DataError, match=r"rows.csv: column 'x0' is str.*\[E420\]"):
        list(pool.predict(model, [batch(0), wrong]))


def test_an_evaluation_reads_where_it_counts(pool: RayPool, make_points_plan: MakePlan) -> None:
    plan = make_points_plan()
    model, source = finished(plan), plan.datasets[0]
    rows = LabelledRows.of(
        source, ["test.parquet"], source.folder, preparation=model.preparation, classes=None, integer=False
    )
    assert pool.evaluate(model, rows) == {"loss": 50.0, "weight": 50.0}
    none = LabelledRows.of(
        source, ["none.parquet"], source.folder, preparation=model.preparation, classes=None, integer=False
    )
    with pytest.raises(DataError, match=r"none.parquet.*\[E401\]"):
        pool.evaluate(model, none)


def test_a_file_that_the_reader_of_an_evaluation_dies_of_is_named(
    pool: RayPool, make_points_plan: MakePlan, tmp_path: Path
) -> None:
    (tmp_path / "deep.jsonl").write_text('{"x": ' + "[" * 200_000 + "]" * 200_000 + "}\n")
    plan = make_points_plan()
    model = finished(plan)
    rows = LabelledRows.of(
        plan.datasets[0],
        [str(tmp_path / "deep.jsonl")],
        tmp_path,
        preparation=model.preparation,
        classes=None,
        integer=False,
    )
    with pytest.raises(DataError, match=r"deep.jsonl: the process that was reading this file died.*\[E425\]"):
        pool.evaluate(model, rows)


def test_what_nobody_foresaw_is_a_bug_and_not_a_lost_worker(pool: RayPool, make_points_plan: MakePlan) -> None:
    """The same command would end in the same way, so the exit code is not that of what may be there the next time."""
    model = finished(make_points_plan())
    first = replace(model.preparation.chains[0], operations=(Standardize(mean=(0.0,) * 3, deviation=(1.0,) * 3),))
    broken = replace(model, preparation=replace(model.preparation, chains=(first, *model.preparation.chains[1:])))
    nowhere: Any = None

    def predict() -> object:
        return list(pool.predict(broken, [batch(0)]))

    def export() -> object:
        return pool.export(model.trial, (6,), nowhere)

    def load() -> object:
        return pool.load([replace(make_points_plan().datasets[0], folder=nowhere)])

    calls = {
        predict: "rows.csv: this is a bug in seqjobs: ValueError: .*, while column 'x0' was prepared",
        export: f"this is a bug in seqjobs: TypeError: .*, while the model of trial {model.trial.id} was written",
        load: "train.parquet: this is a bug in seqjobs: TypeError: .*, while data was read",
    }
    for call, told in calls.items():
        with pytest.raises(UnforeseenError, match=told + r".*\[E529\]") as caught:
            call()
        assert caught.value.exit_code == 70
        assert "run the same command again" not in str(caught.value)
        assert "Traceback (most recent call last)" in caught.value.trace or "ray::" in caught.value.trace
